// The player of the watch page. What it shows follows from three things: what the API says of the live, what the video
// element does, and what the viewer asked for. `data-state` of the player is one of
//
//   loading       the first answer of the API, or the first picture, is not there yet
//   waiting       nobody streams; the API is asked again and again
//   live          playing at the live edge            behind        playing further back, or paused there
//   reconnecting  no new media arrives                ended         the live is over; the next one starts by itself
//   busy          the server takes no new viewers now; it is asked again and again
//   unsupported   this browser cannot play HLS and hls.js is not at hand
//
// `data-engine` is none, native or hls.js; `?player=native` and `?player=hls.js` choose one.

import { Controls, clock } from "./controls.js";
import { chooseEngine } from "./engine.js";

const player = document.getElementById("player");
const video = player.querySelector("video");
const status = document.getElementById("status");
const cover = {
  headline: player.querySelector(".headline"),
  detail: player.querySelector(".detail"),
};

const stallTime = 3000; // without progress: shown as reconnecting
const restartTime = 12000; // without progress although the live goes on: the engine is started anew
const maximumRestartTime = 60000;
const behindTolerance = 6; // seconds behind the live position that still count as live

let live = null; // the API's last answer
let engine = null;
let playedTag = null; // the live that the engine plays
let endedTag = null; // the last live that was played to its end
let nativeFailures = 0;
let isStarting = false;
let progress = { time: 0, at: performance.now() };
let nextRestart = restartTime;
let pollTimer = null;

const controls = new Controls(player, {
  isReady: () => engine !== null,
  range: seekableRange,
  share: () => {
    const range = seekableRange();
    if (range === null || player.dataset.state !== "behind") return 1;
    return (video.currentTime - range.start) / Math.max(range.end - range.start, 0.1);
  },
  shown: updatePosition,
  actions: { live: goLive },
  keys: { l: goLive },
});

// MARK: The API

async function poll() {
  clearTimeout(pollTimer);
  try {
    const answer = await fetch(player.dataset.api, { cache: "no-store" });
    if (answer.ok) live = await answer.json();
  } catch {
    // The server is away; what is known stays, and the next round tells.
  }
  await follow();
  clearTimeout(pollTimer);
  pollTimer = setTimeout(poll, pollInterval());
}

function pollInterval() {
  if (document.hidden) return 15000;
  const state = player.dataset.state;
  return state === "live" || state === "behind" ? 10000 : 2500;
}

function isPlayable() {
  return live !== null && (live.state === "live" || live.state === "interrupted");
}

async function follow() {
  if (isStarting) return;
  if (engine === null) {
    if (isPlayable() && live.tag !== endedTag) await start();
    else if (player.dataset.state !== "unsupported") show(endedTag !== null || live?.state === "ended" ? "ended" : "waiting");
    return;
  }
  if (live === null) return;
  const isStalled = stalledFor() > stallTime;
  if (live.tag !== playedTag && isPlayable() && (isStalled || video.ended)) {
    // The next live of this name began before the end of the last one arrived here.
    finish();
    await start();
  } else if (isStalled && !isPlayable() && stalledFor() > 2 * stallTime) {
    finish();
  }
}

// MARK: Starting and ending

async function start() {
  isStarting = true;
  const next = await chooseEngine(player, video, nativeFailures, { failed: engineFailed, resumed: () => controls.play() });
  isStarting = false;
  if (next === null) {
    show("unsupported");
    return;
  }
  engine = next;
  playedTag = live.tag;
  controls.wantsToPlay = true;
  noteProgress();
  player.dataset.engine = engine.name;
  show("loading");
  engine.start(player.dataset.playlist);
  await controls.play();
}

function engineFailed(reason) {
  if (engine === null) return;
  player.dataset.error = reason;
  const isBusy = reason === "busy";
  if (engine.name === "native" && !isBusy) nativeFailures += 1;
  stopEngine();
  show(isBusy ? "busy" : "reconnecting");
  clearTimeout(pollTimer);
  // As the server's Retry-After says, but not all at once.
  pollTimer = setTimeout(poll, isBusy ? 5000 + 5000 * Math.random() : 2000);
}

function stopEngine() {
  engine?.stop();
  engine = null;
  player.dataset.engine = "none";
}

function finish() {
  endedTag = playedTag;
  stopEngine();
  if (document.fullscreenElement === player) document.exitFullscreen();
  show("ended");
  controls.update();
}

// MARK: Live

function goLive() {
  if (engine === null) return;
  engine.goLive();
  controls.play();
}

function seekableRange() {
  if (engine === null || video.seekable.length === 0) return null;
  const start = video.seekable.start(0);
  const end = video.seekable.end(video.seekable.length - 1);
  if (!Number.isFinite(end) || end <= start) return null;
  return { start, end: Math.min(end, Math.max(start, engine.livePosition() ?? end)) };
}

// MARK: Progress

function noteProgress() {
  progress = { time: video.currentTime, at: performance.now() };
}

function stalledFor() {
  return performance.now() - progress.at;
}

function watchProgress() {
  controls.update();
  if (engine === null) return;
  if (video.currentTime !== progress.time || !controls.wantsToPlay) {
    if (video.currentTime !== progress.time && video.readyState > 2) nextRestart = restartTime;
    noteProgress();
  }
  const hasPicture = video.readyState > 2 || video.currentTime > 0;
  if (stalledFor() > stallTime && hasPicture && !video.ended) {
    if (player.dataset.state !== "reconnecting") {
      show("reconnecting");
      poll();
    }
  } else if (hasPicture && !video.ended) {
    show(isBehind() ? "behind" : "live");
  }
  if (stalledFor() > nextRestart && live?.state === "live") {
    nextRestart = Math.min(nextRestart * 2, maximumRestartTime);
    engineFailed("stalled");
  }
}

function isBehind() {
  const position = engine?.livePosition() ?? null;
  return position !== null && position - video.currentTime > behindTolerance;
}

// MARK: What is shown

const words = {
  loading: ["", "", "Loading…"],
  waiting: ["Not live yet", "The stream starts here by itself.", "Waiting for the stream to start."],
  live: ["", "", "Live."],
  behind: ["", "", "Playing behind live. Press l to go to live."],
  reconnecting: ["Reconnecting…", "The stream was interrupted.", "The stream was interrupted. Reconnecting."],
  busy: ["The server is busy", "The stream starts here when there is room.", "The server is busy. Trying again."],
  ended: ["The stream has ended", "The next one starts here by itself.", "The stream has ended."],
  unsupported: [
    "This browser cannot play the stream",
    "It has no HLS player of its own, and this server was set up without hls.js. Safari, or Chrome and Edge from version 142 on, play it.",
    "This browser cannot play the stream.",
  ],
};

function show(state) {
  if (player.dataset.state === state) return;
  player.dataset.state = state;
  const [headline, detail, announcement] = words[state];
  cover.headline.textContent = headline;
  cover.detail.textContent = detail;
  status.textContent = announcement;
  status.dataset.state = state;
  if (state === "ended" || state === "waiting") controls.control("unmute").hidden = true;
}

function updatePosition() {
  const behind = Math.max(0, (engine?.livePosition() ?? 0) - video.currentTime);
  const isAtLive = player.dataset.state !== "behind";
  const text = isAtLive ? "live" : `${clock(behind)} behind live`;
  const button = controls.control("live");
  button.querySelector(".label").textContent = isAtLive ? "Live" : `−${clock(behind)}`;
  button.setAttribute("aria-label", isAtLive ? "At the live edge" : `${text}. Go to live`);
  button.disabled = engine === null;
  controls.control("seek").setAttribute("aria-valuetext", text);
}

document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
video.addEventListener("ended", () => {
  if (engine === null) return;
  finish();
  poll();
});

player.hidden = false;
controls.wake();
controls.update();
setInterval(watchProgress, 500);
poll();
