// Small pictures of a recording above its position slider, for the place that is pointed at or moved to. They come from
// WebVTT: cues that name rectangles of larger pictures, `storyboard-1.jpg#xywh=160,0,160,90`. The text is loaded when it is
// first needed; without it the player is as before. The slider counts seconds.

import { clock } from "./controls.js";

const lingerTime = 1200; // how long the picture stays behind a key, in milliseconds
const thumbWidth = 14; // of the slider, whose middle is the place

export class Storyboard {
  constructor(player) {
    this.seek = player.querySelector('[data-action="seek"]');
    this.video = player.querySelector("video");
    this.address = new URL(player.dataset.storyboard, document.baseURI);
    this.cues = null; // null until they are loaded, then an array
    this.loading = null;
    this.timer = null;
    this.makePreview();
    this.listen();
  }

  // What sees the slider sees its time read out: the picture is for the eyes alone.
  makePreview() {
    this.preview = document.createElement("div");
    this.preview.className = "preview";
    this.preview.hidden = true;
    this.preview.setAttribute("aria-hidden", "true");
    this.picture = document.createElement("div");
    this.picture.className = "picture";
    this.time = document.createElement("span");
    this.preview.append(this.picture, this.time);
    this.seek.before(this.preview);
  }

  listen() {
    const { seek, video } = this;
    seek.addEventListener("pointerenter", () => this.load());
    seek.addEventListener("focus", () => this.load());
    seek.addEventListener("pointermove", (event) => this.show(this.secondsAt(event.clientX)));
    seek.addEventListener("pointerleave", () => this.hide());
    seek.addEventListener("blur", () => this.hide());
    // By the slider's own keys, or drawn by a finger.
    seek.addEventListener("input", () => this.showBriefly(Number(seek.value)));
    // By the keys of the page; where playing begins is no move.
    video.addEventListener("seeking", () => {
      if (video.played.length > 0 && !seek.matches(":hover, :active")) this.showBriefly(video.currentTime);
    });
  }

  // MARK: Loading

  load() {
    this.loading ??= fetch(this.address)
      .then((answer) => (answer.ok ? answer.text() : ""))
      .catch(() => "")
      .then((text) => { this.cues = parse(text, this.address); });
    return this.loading;
  }

  cueAt(seconds) {
    let [low, high] = [0, this.cues.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.cues[middle].start <= seconds) low = middle + 1;
      else high = middle;
    }
    return this.cues[Math.max(0, low - 1)];
  }

  // MARK: Showing

  secondsAt(x) {
    const { left, width } = this.seek.getBoundingClientRect();
    const share = (x - left - thumbWidth / 2) / Math.max(1, width - thumbWidth);
    return Number(this.seek.max) * Math.min(1, Math.max(0, share));
  }

  showBriefly(seconds) {
    this.show(seconds);
    this.timer = setTimeout(() => this.hide(), lingerTime);
  }

  async show(seconds) {
    clearTimeout(this.timer);
    this.wanted = seconds;
    if (this.cues === null) await this.load();
    if (this.wanted !== seconds || this.cues.length === 0 || this.seek.disabled) return;
    const cue = this.cueAt(seconds);
    const { style } = this.picture;
    style.width = `${cue.width}px`;
    style.height = `${cue.height}px`;
    style.backgroundImage = `url("${cue.image}")`;
    style.backgroundPosition = `-${cue.x}px -${cue.y}px`;
    this.time.textContent = clock(seconds);
    this.preview.hidden = false;
    this.place(seconds / Number(this.seek.max));
  }

  place(share) {
    const slider = this.seek.getBoundingClientRect();
    const bar = this.preview.offsetParent.getBoundingClientRect(); // .timeline
    const half = this.preview.offsetWidth / 2;
    const middle = slider.left - bar.left + thumbWidth / 2 + share * (slider.width - thumbWidth);
    this.preview.style.left = `${Math.min(Math.max(middle, half + 4), bar.width - half - 4)}px`;
  }

  hide() {
    clearTimeout(this.timer);
    this.wanted = null;
    this.preview.hidden = true;
  }
}

// Reads the cues; lines that say something else are passed over.
export function parse(text, base) {
  const cues = [];
  let start = null;
  for (const line of text.split(/\r?\n/)) {
    const times = line.match(/^(?:(\d+):)?(\d\d):(\d\d\.\d{3})\s+-->/);
    if (times) {
      start = Number(times[1] ?? 0) * 3600 + Number(times[2]) * 60 + Number(times[3]);
      continue;
    }
    const place = line.match(/^(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)$/);
    if (!place || start === null) continue;
    const image = new URL(place[1], base);
    // Pictures of another site are none of ours.
    if (image.origin === base.origin) {
      const [x, y, width, height] = place.slice(2).map(Number);
      cues.push({ start, image: image.href, x, y, width, height });
    }
    start = null;
  }
  return cues.sort((first, second) => first.start - second.start);
}
