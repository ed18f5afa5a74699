// Puts a button beside what is meant to be copied: <p data-copy="ID OF THE ELEMENT" data-subject="what it is">.

for (const place of document.querySelectorAll("[data-copy]")) {
  const source = document.getElementById(place.dataset.copy);
  // The clipboard is there on secure pages only.
  if (!source || !navigator.clipboard) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy ${place.dataset.subject}`);
  const said = document.createElement("span");
  said.setAttribute("role", "status");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.textContent);
      said.textContent = "Copied.";
    } catch {
      said.textContent = "The browser did not allow it: select the text and copy it.";
    }
  });
  place.append(button, " ", said);
}
