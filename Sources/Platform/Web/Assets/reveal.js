// Puts a button beside a password that shows what has been typed: <input type="password" data-reveal>.

for (const input of document.querySelectorAll("input[data-reveal]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  button.textContent = "Show";
  button.setAttribute("aria-controls", input.id);
  button.setAttribute("aria-pressed", "false");
  button.setAttribute("aria-label", `Show ${input.labels[0]?.firstChild?.textContent?.trim() ?? "password"}`);
  button.addEventListener("click", () => {
    const isShown = input.type === "password";
    input.type = isShown ? "text" : "password";
    button.setAttribute("aria-pressed", String(isShown));
    button.textContent = isShown ? "Hide" : "Show";
  });
  input.after(button);
  // A browser offers to keep a password only where it sees one.
  input.form?.addEventListener("submit", () => { input.type = "password"; });
}
