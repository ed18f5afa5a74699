// The player of the watch page. What it shows follows from three things: what the API says of the live, what the video
// element does, and what the viewer asked for. `data-state` of the player is one of
//
//   loading       the first answer of the API, or the first picture, is not there yet
//   waiting       nobody streams; the API is asked again and again
//   live          playing at the live edge            behind        playing further back, or paused there
//   reconnecting  no new media arrives                ended         the live is over; the next one starts by itself
//   unsupported   this browser cannot play HLS and hls.js is not at hand
//
// `data-engine` is none, native or hls.js; `?player=native` and `?player=hls.js` choose one.

import { HLSEngine, NativeEngine, hasMediaSource, hasNativeHLS } from "./engine.js";

const player = document.getElementById("player");
const video = player.querySelector("video");
const status = document.getElementById("status");
const cover = {
  headline: player.querySelector(".headline"),
  detail: player.querySelector(".detail"),
};
const control = (name) => player.querySelector(`[data-action="${name}"]`);

const stallTime = 3000; // without progress: shown as reconnecting
const restartTime = 12000; // without progress although the live goes on: the engine is started anew
const maximumRestartTime = 60000;
const behindTolerance = 6; // seconds behind the live position that still count as live

const forcedEngine = new URLSearchParams(location.search).get("player");

let live = null; // the API's last answer
let engine = null;
let playedTag = null; // the live that the engine plays
let endedTag = null; // the last live that was played to its end
let Hls; // the library; undefined until it was looked for
let nativeFailures = 0;
let wantsToPlay = true;
let isStarting = false;
let progress = { time: 0, at: performance.now() };
let nextRestart = restartTime;
let pollTimer = null;

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
  const next = await chooseEngine();
  isStarting = false;
  if (next === null) {
    show("unsupported");
    return;
  }
  engine = next;
  playedTag = live.tag;
  wantsToPlay = true;
  noteProgress();
  player.dataset.engine = engine.name;
  show("loading");
  engine.start(player.dataset.playlist);
  await play();
}

async function chooseEngine() {
  const listener = { failed: engineFailed, resumed: play };
  const useNative = hasNativeHLS(video) && (forcedEngine === "native" || (forcedEngine !== "hls.js" && nativeFailures < 2));
  if (useNative) return new NativeEngine(video, listener);
  if (forcedEngine !== "native" && hasMediaSource()) {
    if (Hls === undefined) {
      Hls = await HLSEngine.library([player.dataset.hlsFile, player.dataset.hlsAddress].filter(Boolean));
    }
    if (Hls) return new HLSEngine(Hls, video, listener);
  }
  // A native engine that has failed is still better than none.
  return hasNativeHLS(video) && forcedEngine !== "hls.js" ? new NativeEngine(video, listener) : null;
}

function engineFailed(reason) {
  if (engine === null) return;
  player.dataset.error = reason;
  if (engine.name === "native") nativeFailures += 1;
  stopEngine();
  show("reconnecting");
  clearTimeout(pollTimer);
  pollTimer = setTimeout(poll, 2000);
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
  updateControls();
}

// MARK: Playing

async function play() {
  wantsToPlay = true;
  try {
    await video.play();
  } catch (error) {
    if (error.name !== "NotAllowedError") return; // interrupted by a new load: whoever loads plays
    if (video.muted) {
      // Not even silent playback is allowed before a click.
      wantsToPlay = false;
      control("start").hidden = false;
      updateControls();
      return;
    }
    video.muted = true;
    control("unmute").hidden = false;
    await play();
  }
}

function togglePlay() {
  if (engine === null) return;
  if (video.paused) {
    play();
  } else {
    wantsToPlay = false;
    video.pause();
  }
}

function setMuted(muted) {
  video.muted = muted;
  if (!muted && video.volume === 0) video.volume = 0.5;
  if (!muted) control("unmute").hidden = true;
}

function setVolume(volume) {
  video.volume = Math.min(1, Math.max(0, volume));
  setMuted(video.volume === 0);
}

function seekBy(seconds) {
  const range = seekableRange();
  if (range) video.currentTime = Math.min(Math.max(video.currentTime + seconds, range.start), range.live);
}

function goLive() {
  if (engine === null) return;
  engine.goLive();
  play();
}

function seekableRange() {
  if (engine === null || video.seekable.length === 0) return null;
  const start = video.seekable.start(0);
  const end = video.seekable.end(video.seekable.length - 1);
  if (!Number.isFinite(end) || end <= start) return null;
  return { start, live: Math.min(end, Math.max(start, engine.livePosition() ?? end)) };
}

function toggleFullscreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else if (player.requestFullscreen) player.requestFullscreen().catch(() => {});
  else video.webkitEnterFullscreen?.();
}

function captionTracks() {
  return [...video.textTracks].filter((track) => track.kind === "captions" || track.kind === "subtitles");
}

function toggleCaptions() {
  const tracks = captionTracks();
  const isShowing = tracks.some((track) => track.mode === "showing");
  tracks.forEach((track, index) => { track.mode = !isShowing && index === 0 ? "showing" : "hidden"; });
}

// MARK: Progress

function noteProgress() {
  progress = { time: video.currentTime, at: performance.now() };
}

function stalledFor() {
  return performance.now() - progress.at;
}

function watchProgress() {
  updateControls();
  if (engine === null) return;
  if (video.currentTime !== progress.time || !wantsToPlay) {
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
  if (state === "ended" || state === "waiting") control("unmute").hidden = true;
}

function updateControls() {
  player.dataset.paused = String(video.paused);
  player.dataset.muted = String(video.muted || video.volume === 0);
  label("play", video.paused ? "Play (k)" : "Pause (k)");
  label("mute", video.muted ? "Unmute (m)" : "Mute (m)");
  control("volume").value = String(video.muted ? 0 : Math.round(video.volume * 100));
  if (!video.paused) control("start").hidden = true;
  const tracks = captionTracks();
  control("captions").hidden = tracks.length === 0;
  control("captions").setAttribute("aria-pressed", String(tracks.some((track) => track.mode === "showing")));
  updatePosition();
}

function updatePosition() {
  const range = seekableRange();
  const seek = control("seek");
  const behind = Math.max(0, (engine?.livePosition() ?? 0) - video.currentTime);
  seek.disabled = range === null;
  const isAtLive = player.dataset.state !== "behind";
  const text = isAtLive ? "live" : `${minutes(behind)} behind live`;
  control("live").querySelector(".label").textContent = isAtLive ? "Live" : `−${minutes(behind)}`;
  control("live").setAttribute("aria-label", isAtLive ? "At the live edge" : `${text}. Go to live`);
  control("live").disabled = engine === null;
  if (seek.matches(":active")) return;
  const share = range ? (video.currentTime - range.start) / Math.max(range.live - range.start, 0.1) : 1;
  seek.value = String(Math.round(1000 * Math.min(1, Math.max(0, isAtLive ? 1 : share))));
  seek.style.setProperty("--share", `${Number(seek.value) / 10}%`);
  seek.setAttribute("aria-valuetext", text);
}

function label(name, text) {
  const button = control(name);
  if (button.title === text) return;
  button.title = text;
  button.setAttribute("aria-label", text);
}

function minutes(seconds) {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

// MARK: What the viewer does

const actions = {
  start: play,
  play: togglePlay,
  mute: () => setMuted(!video.muted),
  unmute: () => setMuted(false),
  live: goLive,
  captions: toggleCaptions,
  fullscreen: toggleFullscreen,
};

const keys = {
  " ": togglePlay,
  k: togglePlay,
  m: actions.mute,
  f: toggleFullscreen,
  c: toggleCaptions,
  l: goLive,
  ArrowLeft: () => seekBy(-5),
  ArrowRight: () => seekBy(5),
  ArrowUp: () => setVolume(video.volume + 0.1),
  ArrowDown: () => setVolume(video.volume - 0.1),
};

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const action = keys[key];
  // Space on a button or a link, and arrows on a slider, mean that element.
  const isOwnKey = key === " " ? "button, a, summary" : key.startsWith("Arrow") ? "input" : "input:not([type=range]), textarea";
  if (!action || event.target.closest?.(isOwnKey)) return;
  // Up and down scroll the page unless the player has the focus.
  if ((key === "ArrowUp" || key === "ArrowDown") && !player.contains(event.target)) return;
  event.preventDefault();
  wake();
  action();
  updateControls();
}

let idleTimer = null;
function wake() {
  player.dataset.idle = "false";
  clearTimeout(idleTimer);
  idleTimer = setTimeout(() => { player.dataset.idle = "true"; }, 3000);
}

player.addEventListener("click", (event) => {
  const name = event.target.closest("[data-action]")?.dataset.action;
  if (name) actions[name]?.();
  else if (event.target === video) togglePlay();
  updateControls();
});
player.addEventListener("dblclick", (event) => { if (event.target === video) toggleFullscreen(); });
control("volume").addEventListener("input", (event) => setVolume(event.target.value / 100));
control("seek").addEventListener("input", (event) => {
  const range = seekableRange();
  event.target.style.setProperty("--share", `${event.target.value / 10}%`);
  if (range) video.currentTime = range.start + (event.target.value / 1000) * (range.live - range.start);
});
for (const name of ["pointermove", "pointerdown", "focusin"]) player.addEventListener(name, wake);
document.addEventListener("keydown", pressed);
document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
for (const name of ["play", "pause", "volumechange", "seeked", "playing"]) video.addEventListener(name, updateControls);
video.addEventListener("ended", () => {
  if (engine === null) return;
  finish();
  poll();
});
for (const name of ["addtrack", "removetrack", "change"]) video.textTracks.addEventListener(name, updateControls);

player.hidden = false;
wake();
updateControls();
setInterval(watchProgress, 500);
poll();
