// Two ways to play HLS in a video element: the browser's own and hls.js. Both look the same from outside:
//
//   start(url)          begins to play
//   stop()              lets go of the video element
//   goLive()            moves to where live is
//   livePosition()      where "live" is on the element's timeline, or null while unknown
//   listener.failed()   is called when this engine cannot go on by itself, with "busy" when the server takes no new viewers
//   listener.resumed()  is called when it has got the element out of an error and playing must be asked for again

const playlistType = "application/vnd.apple.mpegurl";

// How often an engine tries to get out of an error by itself while no picture comes.
const maximumRecoveries = 6;

export function hasNativeHLS(video) {
  return video.canPlayType(playlistType) !== "";
}

export function hasMediaSource() {
  return "ManagedMediaSource" in window || "MediaSource" in window;
}

// The engine for a page, or null where there is none: the browser's own unless that has failed twice, else hls.js.
export async function chooseEngine(player, video, nativeFailures, listener) {
  const forced = new URLSearchParams(location.search).get("player");
  const useNative = hasNativeHLS(video) && (forced === "native" || (forced !== "hls.js" && nativeFailures < 2));
  if (useNative) return new NativeEngine(video, listener);
  if (forced !== "native" && hasMediaSource()) {
    if (library === undefined) {
      library = await HLSEngine.library([player.dataset.hlsFile, player.dataset.hlsAddress].filter(Boolean));
    }
    if (library) return new HLSEngine(library, video, listener);
  }
  // A native engine that has failed is still better than none.
  return hasNativeHLS(video) && forced !== "hls.js" ? new NativeEngine(video, listener) : null;
}

let library; // undefined until it was looked for

// Whether the server takes no new viewers now.
async function isRefused(url) {
  try {
    return (await fetch(url, { method: "HEAD", cache: "no-store" })).status === 503;
  } catch {
    return false;
  }
}

export class NativeEngine {
  name = "native";

  constructor(video, listener) {
    this.video = video;
    this.listener = listener;
    this.onError = async () => {
      const { url } = this;
      const reason = `media error ${this.video.error?.code ?? 0}`;
      // The browser does not say why it could not have the playlist.
      const isBusy = this.video.readyState === 0 && (await isRefused(url));
      if (this.url === url) this.listener.failed(isBusy ? "busy" : reason);
    };
    this.onInterruption = () => { this.anchor = null; };
  }

  start(url) {
    this.url = url;
    this.anchor = null;
    this.video.addEventListener("error", this.onError);
    this.video.addEventListener("waiting", this.onInterruption);
    this.video.src = url;
    this.video.load();
  }

  stop() {
    this.url = null;
    this.video.removeEventListener("error", this.onError);
    this.video.removeEventListener("waiting", this.onInterruption);
    this.video.removeAttribute("src");
    this.video.load();
  }

  // The browser keeps the playlist to itself, and some tell no seekable range either. Where it begins to play is what
  // it takes for live; from there, live moves on with the clock.
  livePosition() {
    const { currentTime, readyState, paused } = this.video;
    if (this.anchor === null) {
      if (readyState < 3 || paused || currentTime === 0) return null;
      this.anchor = currentTime - performance.now() / 1000;
    }
    return this.anchor + performance.now() / 1000;
  }

  goLive() {
    const { seekable } = this.video;
    if (seekable.length > 0 && Number.isFinite(seekable.end(seekable.length - 1))) {
      this.video.currentTime = Math.min(this.livePosition() ?? Infinity, seekable.end(seekable.length - 1));
    } else {
      const { url } = this;
      this.stop();
      this.start(url);
    }
  }
}

export class HLSEngine {
  name = "hls.js";

  // Loads the first of the modules that can be loaded, or returns null.
  static async library(addresses) {
    for (const address of addresses) {
      try {
        const module = await import(address);
        const candidates = [module.default, module.Hls, ...Object.values(module)];
        const Hls = candidates.find((candidate) => typeof candidate?.isSupported === "function");
        if (Hls) return Hls.isSupported() ? Hls : null;
      } catch {
        // Not there: the next address may be.
      }
    }
    return null;
  }

  constructor(Hls, video, listener) {
    this.Hls = Hls;
    this.video = video;
    this.listener = listener;
    this.recoveries = 0;
    this.timer = null;
    this.onProgress = () => { this.recoveries = 0; };
  }

  start(url) {
    this.url = url;
    // A viewer who fell behind catches up at a speed that nobody notices.
    this.hls = new this.Hls({ backBufferLength: 60, liveDurationInfinity: true, maxLiveSyncPlaybackRate: 1.05 });
    this.hls.on(this.Hls.Events.ERROR, (_, data) => { if (data.fatal) this.recover(data); });
    this.video.addEventListener("timeupdate", this.onProgress);
    this.hls.attachMedia(this.video);
    this.hls.loadSource(url);
  }

  stop() {
    clearTimeout(this.timer);
    this.video.removeEventListener("timeupdate", this.onProgress);
    this.hls?.destroy();
    this.hls = null;
  }

  livePosition() {
    return this.hls?.liveSyncPosition ?? null;
  }

  goLive() {
    const position = this.livePosition();
    if (position !== null) this.video.currentTime = position;
  }

  recover(data) {
    if (data.response?.code === 503 && !this.hls.levels?.length) {
      this.listener.failed("busy");
      return;
    }
    const { NETWORK_ERROR, MEDIA_ERROR } = this.Hls.ErrorTypes;
    this.recoveries += 1;
    const isHopeless = data.type !== NETWORK_ERROR && data.type !== MEDIA_ERROR;
    if (isHopeless || this.recoveries > maximumRecoveries) {
      this.listener.failed(data.details);
      return;
    }
    clearTimeout(this.timer);
    if (data.type === MEDIA_ERROR) {
      if (this.recoveries > 1) this.hls.swapAudioCodec();
      this.hls.recoverMediaError();
      this.listener.resumed();
      return;
    }
    this.timer = setTimeout(() => {
      if (!this.hls) return;
      if (this.hls.levels?.length) this.hls.startLoad();
      else this.hls.loadSource(this.url);
    }, Math.min(1000 * this.recoveries, 5000));
  }
}
