// Follows the progress of what runs: <span data-stream="ADDRESS"> with a <progress> and a <span class="share"> in it. The
// address sends events named "progress" whose data is {"fraction": 0.25}, and "done" at the end, when the page is loaded
// anew to show the outcome.

for (const place of document.querySelectorAll("[data-stream]")) {
  const bar = place.querySelector("progress");
  const share = place.querySelector(".share");
  const events = new EventSource(place.dataset.stream);
  events.addEventListener("progress", (event) => {
    const { fraction } = JSON.parse(event.data);
    const percent = Math.floor(Math.min(Math.max(Number(fraction) || 0, 0), 1) * 100);
    bar.max = 100;
    bar.value = percent;
    share.textContent = `${percent} %`;
  });
  events.addEventListener("done", () => {
    events.close();
    location.reload();
  });
  addEventListener("pagehide", () => events.close());
}
