// The player of a recording's page. `data-state` of the player is one of
//
//   loading       the picture for this place is not there yet
//   playing       playing, or paused at a picture
//   over          played to the end
//   failed        neither engine gets on; the viewer may try again
//   unsupported   this browser cannot play HLS and hls.js is not at hand
//
// `data-engine` is none, native or hls.js; `?player=native` and `?player=hls.js` choose one. `#t=SECONDS` says where to begin.

import { Controls, clock } from "./controls.js";
import { chooseEngine } from "./engine.js";
import { Storyboard } from "./storyboard.js";

const player = document.getElementById("player");
const video = player.querySelector("video");
const status = document.getElementById("status");
const duration = Number(player.dataset.duration); // until the element knows better

const maximumFailures = 4; // in a row, without a picture in between

let engine = null;
let failures = 0;
let nativeFailures = 0;
let resumeAt = startOf(location.hash);

const controls = new Controls(player, {
  isReady: () => engine !== null,
  range: () => (length() > 0 && engine !== null ? { start: 0, end: length() } : null),
  share: () => (length() > 0 ? position() / length() : 0),
  shown,
  actions: { start },
  keys: { Home: () => moveTo(0), End: () => moveTo(length()) },
});

function startOf(hash) {
  const seconds = Number(new URLSearchParams(hash.slice(1)).get("t"));
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, Math.max(0, duration - 1)) : 0;
}

function length() {
  return Number.isFinite(video.duration) && video.duration > 0 ? video.duration : duration;
}

function position() {
  return resumeAt ?? video.currentTime;
}

function moveTo(seconds) {
  if (resumeAt !== null) resumeAt = seconds;
  else video.currentTime = Math.min(Math.max(seconds, 0), length());
}

// MARK: Starting

async function load() {
  show("loading");
  engine = await chooseEngine(player, video, nativeFailures, { failed, resumed: () => controls.play() });
  player.dataset.engine = engine?.name ?? "none";
  if (engine === null) {
    show("unsupported");
    return;
  }
  engine.start(player.dataset.playlist);
  if (controls.wantsToPlay) await controls.play();
}

function failed(reason) {
  if (engine === null) return;
  player.dataset.error = reason;
  failures += 1;
  if (engine.name === "native") nativeFailures += 1;
  resumeAt = position();
  engine.stop();
  engine = null;
  if (failures < maximumFailures) load();
  else offer("failed", "Try again");
}

function start() {
  if (player.dataset.state === "failed") {
    failures = 0;
    controls.wantsToPlay = true;
    load();
  } else {
    if (player.dataset.state === "over") moveTo(0);
    controls.play();
  }
}

// MARK: What is shown

const words = {
  loading: ["", "", "Loading…"],
  playing: ["", "", ""],
  over: ["", "", "The recording has ended."],
  failed: ["This does not play now", "The server or the network may be away for a moment.", "The recording does not play now."],
  unsupported: [
    "This browser cannot play the recording",
    "It has no HLS player of its own, and this server was set up without hls.js. Safari, or Chrome and Edge from version 142 on, play it.",
    "This browser cannot play the recording.",
  ],
};

function show(state) {
  if (player.dataset.state === state) return;
  player.dataset.state = state;
  const [headline, detail, announcement] = words[state];
  player.querySelector(".headline").textContent = headline;
  player.querySelector(".detail").textContent = detail;
  status.textContent = announcement;
  controls.update();
}

function offer(state, text) {
  show(state);
  controls.control("start").textContent = text;
  controls.control("start").hidden = false;
}

function shown() {
  const seek = controls.control("seek");
  seek.max = String(Math.max(1, length()));
  const text = `${clock(position())} of ${clock(length())}`;
  seek.setAttribute("aria-valuetext", text);
  player.querySelector(".time .now").textContent = clock(position());
  player.querySelector(".time .length").textContent = clock(length());
}

function hasPicture() {
  failures = 0;
  if (!video.ended) show("playing");
  controls.update();
}

video.addEventListener("loadedmetadata", () => {
  if (resumeAt !== null) {
    const place = resumeAt;
    resumeAt = null;
    if (place > 0) video.currentTime = place;
  }
  controls.update();
});
video.addEventListener("waiting", () => { if (engine !== null) show("loading"); });
video.addEventListener("seeking", () => { if (player.dataset.state === "over") show("loading"); });
for (const name of ["playing", "seeked", "canplay"]) video.addEventListener(name, hasPicture);
for (const name of ["timeupdate", "durationchange"]) video.addEventListener(name, () => controls.update());
video.addEventListener("ended", () => offer("over", "Play again"));
document.addEventListener("click", (event) => {
  // The places that the page tells of.
  const place = event.target.closest?.("[data-place]")?.dataset.place;
  if (place === undefined || engine === null) return;
  event.preventDefault();
  moveTo(Number(place));
  player.scrollIntoView({ block: "nearest" });
});

for (const time of document.querySelectorAll("time[datetime]")) {
  const moment = new Date(time.dateTime);
  time.title = time.textContent;
  time.textContent = moment.toLocaleString("en", { dateStyle: "long", timeStyle: "short" });
}

if (player.dataset.storyboard) new Storyboard(player);

player.hidden = false;
controls.wake();
controls.update();
load();
