// Keeps the list of lives on the home page fresh without reloading the page.

const container = document.getElementById("lives");
const pictureLifetime = 10000; // as long as the server shows the same one
let shown = null;
let picturesAt = performance.now();

async function refresh() {
  try {
    const answer = await fetch("/api/v1/lives", { cache: "no-store" });
    const text = await answer.text();
    if (shown !== null && text !== shown) await replaceList();
    shown = text;
    if (!document.hidden && performance.now() - picturesAt >= pictureLifetime) showNewPictures();
  } catch {
    // The server is away for a moment; the next round tells.
  }
  setTimeout(refresh, document.hidden ? 20000 : 4000);
}

async function replaceList() {
  const answer = await fetch("/", { cache: "no-store" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("lives");
  if (!fresh) return;
  const focused = document.activeElement?.getAttribute("href");
  container.replaceChildren(...fresh.childNodes);
  document.title = page.title;
  if (focused) container.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  showLocalTimes();
}

// Takes the new pictures when they are there, so that nothing flickers.
function showNewPictures() {
  picturesAt = performance.now();
  for (const picture of container.querySelectorAll("img")) {
    const next = new Image();
    const address = new URL(picture.src);
    address.search = `?${Date.now()}`;
    next.onload = () => { picture.src = next.src; };
    next.src = address.href;
  }
}

// The page as served gives times in UTC; here they become the reader's own.
function showLocalTimes() {
  for (const time of container.querySelectorAll("time")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.valueOf())) continue;
    const text = moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    time.textContent = `began ${text}`;
  }
}

showLocalTimes();
refresh();
