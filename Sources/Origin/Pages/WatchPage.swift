import MediaCore
import NIOHTTP1

extension Pages {
    /// The page of one live, with its player.
    ///
    /// The player's markup is hidden until its script takes it over; without JavaScript a plain video element stands in.
    func watch(_ live: LiveStatus) -> Response {
        page(
            .ok,
            title: "\(live.id.name) · Lyceum",
            script: "watch.js",
            """
            <div class="watch">
            \(player(live))
            \(plainPlayer(live))
            <div class="title"><h1>\(live.id.name)</h1><p class="status" id="status" role="status" aria-live="polite"></p></div>
            \(help(live))
            </div>
            """
        )
    }

    /// What somebody sees who may not watch.
    func denied(_ reason: String) -> Response {
        page(
            .forbidden,
            title: "Not for everybody · Lyceum",
            """
            <section class="notice"><h1>\(reason)</h1>
            <p>Ask whoever invited you for a new link.</p></section>
            """
        )
    }

    private func player(_ live: LiveStatus) -> HTML {
        """
        <div class="player" id="player" role="region" aria-label="Player" hidden data-state="loading" data-engine="none" \
        data-name="\(live.id.name)" data-api="\(Route.apiPath(live.id, prefix: live.prefix))" data-playlist="\(live.playlistPath)" \
        data-hls-file="\(assets.address(of: AssetCatalog.hlsName) ?? "")" data-hls-address="\(hlsAddress ?? "")">
        <video playsinline tabindex="-1" aria-label="Live video of \(live.id.name)"></video>
        <div class="cover"><div class="spinner" aria-hidden="true"></div><p class="headline"></p><p class="detail"></p>
        <button type="button" class="button" data-action="start" hidden>Play</button></div>
        <button type="button" class="button unmute" data-action="unmute" hidden>\
        <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 9v6h4l5 4V5L8 9zM17 9l5 6m0-6-5 6"/></svg>Unmute</button>
        <div class="bar">
        <input type="range" class="seek" min="0" max="1000" value="1000" step="1" aria-label="Position" data-action="seek">
        <div class="buttons">
        <button type="button" data-action="play" aria-label="Play (k)" title="Play (k)">\
        <svg viewBox="0 0 24 24" aria-hidden="true"><path class="when-paused" d="M7 4v16l13-8z"/>\
        <path class="when-playing" d="M7 4h3v16H7zM14 4h3v16h-3z"/></svg></button>
        <button type="button" data-action="mute" aria-label="Mute (m)" title="Mute (m)">\
        <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 9v6h4l5 4V5L8 9z"/>\
        <path class="when-sound line" d="M16 9a4 4 0 0 1 0 6M18.5 6.5a8 8 0 0 1 0 11"/>\
        <path class="when-muted line" d="m17 9 5 6m0-6-5 6"/></svg></button>
        <input type="range" class="volume" min="0" max="100" value="100" aria-label="Volume" data-action="volume">
        <button type="button" class="live" data-action="live" title="Go to live (l)"><span class="dot"></span>\
        <span class="label">Live</span></button>
        <span class="gap"></span>
        <button type="button" data-action="captions" aria-label="Captions (c)" title="Captions (c)" aria-pressed="false" hidden>\
        <svg viewBox="0 0 24 24" aria-hidden="true"><path class="line" d="M3 5h18v14H3zM10 10.5a2 2 0 1 0 0 3M17 10.5a2 2 0 1 0 0 3"/></svg></button>
        <button type="button" data-action="fullscreen" aria-label="Full screen (f)" title="Full screen (f)">\
        <svg viewBox="0 0 24 24" aria-hidden="true"><path class="line" d="M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5"/></svg></button>
        </div></div></div>
        """
    }

    /// For browsers that run no scripts.
    ///
    /// Those with native HLS play this; the others are told what is needed.
    private func plainPlayer(_ live: LiveStatus) -> HTML {
        let isPlayable = live.state == .live || live.state == .interrupted || live.state == .ended
        let video: HTML =
            isPlayable
            ? """
            <video class="plain" controls playsinline src="\(live.playlistPath)"></video>
            <p>JavaScript is off, so this needs a browser that plays HLS by itself: Safari, or Chrome and Edge from \
            version 142 on. With JavaScript on, other current browsers play it too.</p>
            """
            : """
            <section class="notice"><h2>Not live now</h2>
            <p>Nobody is streaming here at the moment. JavaScript is off, so this page cannot look again by itself: \
            reload it later.</p><p><a class="button" href="\(Route.watchPath(live.id, prefix: live.prefix))">Look again</a></p></section>
            """
        return "<noscript>\(video)</noscript>"
    }

    private func help(_ live: LiveStatus) -> HTML {
        """
        <details class="help"><summary>Keyboard and other players</summary>
        <dl class="keys">
        <div><dt><kbd>Space</kbd> <kbd>k</kbd></dt><dd>play or pause</dd></div>
        <div><dt><kbd>m</kbd></dt><dd>mute</dd></div>
        <div><dt><kbd>f</kbd></dt><dd>full screen</dd></div>
        <div><dt><kbd>c</kbd></dt><dd>captions</dd></div>
        <div><dt><kbd>←</kbd> <kbd>→</kbd></dt><dd>5 seconds back or forward</dd></div>
        <div><dt><kbd>↑</kbd> <kbd>↓</kbd></dt><dd>volume</dd></div>
        <div><dt><kbd>l</kbd></dt><dd>go to live</dd></div>
        </dl>
        <p>Any HLS player opens <a href="\(live.playlistPath)"><code>\(live.playlistPath)</code></a> \
        on this server: VLC, mpv, a television. If the picture is troubled here, try the other engine of this page: \
        <a href="?player=hls.js">hls.js</a> or <a href="?player=native">the browser's own</a>.</p>
        </details>
        """
    }
}
