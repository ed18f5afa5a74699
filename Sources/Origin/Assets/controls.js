// What the buttons, sliders and keys of a player do to its video element, on every page that has one. The page says what
// depends on what is played:
//
//   range()          the part of the element's timeline that can be sought in, { start, end }, or null
//   share()          how far playing has come in it, 0 to 1
//   shown(range)     is called when the rest of the page should follow what has changed
//   isReady()        whether there is something to play
//   actions, keys    what the page has besides, by data-action and by key

export class Controls {
  constructor(player, page) {
    this.player = player;
    this.video = player.querySelector("video");
    this.page = page;
    this.wantsToPlay = true;
    this.idleTimer = null;
    this.actions = {
      start: () => this.play(),
      play: () => this.togglePlay(),
      mute: () => this.setMuted(!this.video.muted),
      unmute: () => this.setMuted(false),
      captions: () => this.toggleCaptions(),
      fullscreen: () => this.toggleFullscreen(),
      ...page.actions,
    };
    this.keys = {
      " ": this.actions.play,
      k: this.actions.play,
      m: this.actions.mute,
      f: this.actions.fullscreen,
      c: this.actions.captions,
      ArrowLeft: () => this.seekBy(-5),
      ArrowRight: () => this.seekBy(5),
      ArrowUp: () => this.setVolume(this.video.volume + 0.1),
      ArrowDown: () => this.setVolume(this.video.volume - 0.1),
      ...page.keys,
    };
    this.listen();
  }

  control(name) {
    return this.player.querySelector(`[data-action="${name}"]`);
  }

  // MARK: Playing

  async play() {
    this.wantsToPlay = true;
    try {
      await this.video.play();
    } catch (error) {
      if (error.name !== "NotAllowedError") return; // interrupted by a new load: whoever loads plays
      if (this.video.muted) {
        // Not even silent playback is allowed before a click.
        this.wantsToPlay = false;
        this.control("start").hidden = false;
        this.update();
        return;
      }
      this.video.muted = true;
      this.control("unmute").hidden = false;
      await this.play();
    }
  }

  togglePlay() {
    if (!this.page.isReady()) return;
    if (this.video.paused) {
      this.actions.start();
    } else {
      this.wantsToPlay = false;
      this.video.pause();
    }
  }

  setMuted(muted) {
    this.video.muted = muted;
    if (!muted && this.video.volume === 0) this.video.volume = 0.5;
    if (!muted) this.control("unmute").hidden = true;
  }

  setVolume(volume) {
    this.video.volume = Math.min(1, Math.max(0, volume));
    this.setMuted(this.video.volume === 0);
  }

  seekBy(seconds) {
    const range = this.page.range();
    if (range) this.video.currentTime = Math.min(Math.max(this.video.currentTime + seconds, range.start), range.end);
  }

  toggleFullscreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (this.player.requestFullscreen) this.player.requestFullscreen().catch(() => {});
    else this.video.webkitEnterFullscreen?.();
  }

  captionTracks() {
    return [...this.video.textTracks].filter((track) => track.kind === "captions" || track.kind === "subtitles");
  }

  toggleCaptions() {
    const tracks = this.captionTracks();
    const isShowing = tracks.some((track) => track.mode === "showing");
    tracks.forEach((track, index) => { track.mode = !isShowing && index === 0 ? "showing" : "hidden"; });
  }

  // MARK: What is shown

  update() {
    const { player, video } = this;
    player.dataset.paused = String(video.paused);
    player.dataset.muted = String(video.muted || video.volume === 0);
    this.label("play", video.paused ? "Play (k)" : "Pause (k)");
    this.label("mute", video.muted ? "Unmute (m)" : "Mute (m)");
    this.control("volume").value = String(video.muted ? 0 : Math.round(video.volume * 100));
    if (!video.paused) this.control("start").hidden = true;
    const tracks = this.captionTracks();
    this.control("captions").hidden = tracks.length === 0;
    this.control("captions").setAttribute("aria-pressed", String(tracks.some((track) => track.mode === "showing")));
    this.updatePosition();
  }

  updatePosition() {
    const range = this.page.range();
    const seek = this.control("seek");
    seek.disabled = range === null;
    this.page.shown(range);
    if (seek.matches(":active")) return;
    this.showShare(seek, Math.min(1, Math.max(0, this.page.share())));
  }

  showShare(seek, share) {
    seek.value = String(Math.round(Number(seek.max) * share));
    seek.style.setProperty("--share", `${100 * share}%`);
  }

  label(name, text) {
    const button = this.control(name);
    if (button.title === text) return;
    button.title = text;
    button.setAttribute("aria-label", text);
  }

  // MARK: What the viewer does

  listen() {
    const { player, video } = this;
    player.addEventListener("click", (event) => {
      const name = event.target.closest("[data-action]")?.dataset.action;
      if (name) this.actions[name]?.();
      else if (event.target === video) this.togglePlay();
      this.update();
    });
    player.addEventListener("dblclick", (event) => { if (event.target === video) this.toggleFullscreen(); });
    this.control("volume").addEventListener("input", (event) => this.setVolume(event.target.value / 100));
    this.control("seek").addEventListener("input", (event) => {
      const seek = event.target;
      const share = Number(seek.value) / Number(seek.max);
      const range = this.page.range();
      seek.style.setProperty("--share", `${100 * share}%`);
      if (range) video.currentTime = range.start + share * (range.end - range.start);
    });
    for (const name of ["pointermove", "pointerdown", "focusin"]) player.addEventListener(name, () => this.wake());
    document.addEventListener("keydown", (event) => this.pressed(event));
    for (const name of ["play", "pause", "volumechange", "seeked", "playing"]) {
      video.addEventListener(name, () => this.update());
    }
    for (const name of ["addtrack", "removetrack", "change"]) {
      video.textTracks.addEventListener(name, () => this.update());
    }
  }

  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const action = this.keys[key];
    // Space on a button or a link, and arrows on a slider, mean that element.
    const isOwnKey = key === " " ? "button, a, summary" : key.startsWith("Arrow") ? "input" : "input:not([type=range]), textarea";
    if (!action || event.target.closest?.(isOwnKey)) return;
    // Up and down scroll the page unless the player has the focus.
    if ((key === "ArrowUp" || key === "ArrowDown") && !this.player.contains(event.target)) return;
    event.preventDefault();
    this.wake();
    action();
    this.update();
  }

  wake() {
    this.player.dataset.idle = "false";
    clearTimeout(this.idleTimer);
    this.idleTimer = setTimeout(() => { this.player.dataset.idle = "true"; }, 3000);
  }
}

// A time as people write it: 1:05, or 1:00:05 from an hour on.
export function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const end = `${String(whole % 60).padStart(2, "0")}`;
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${end}` : `${minutes}:${end}`;
}
