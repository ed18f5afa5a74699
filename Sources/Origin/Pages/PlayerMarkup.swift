extension Pages {
    /// The player, as every page with one has it.
    ///
    /// It is hidden until its script takes it over.
    ///
    /// - Parameters:
    ///   - name: what it plays, for those who do not see it.
    ///   - playlist: the path of what it plays.
    ///   - attributes: what its script should know besides.
    ///   - videoAttributes: what the video element has besides.
    ///   - position: the place among the buttons where the page shows how far playing has come.
    /// - Returns: the markup.
    func player(
        of name: String,
        playlist: String,
        attributes: HTML,
        videoAttributes: HTML = "",
        position: HTML
    ) -> HTML {
        """
        <div class="player" id="player" role="region" aria-label="Player" hidden data-state="loading" data-engine="none" \
        \(attributes) data-playlist="\(playlist)" \
        data-hls-file="\(assets.address(of: AssetCatalog.hlsName) ?? "")" data-hls-address="\(hlsAddress ?? "")">
        <video playsinline tabindex="-1" aria-label="\(name)"\(videoAttributes)></video>
        <div class="cover"><div class="spinner" aria-hidden="true"></div><p class="headline"></p><p class="detail"></p>
        <button type="button" class="button" data-action="start" hidden>Play</button></div>
        <button type="button" class="button unmute" data-action="unmute" hidden>\
        <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 9v6h4l5 4V5L8 9zM17 9l5 6m0-6-5 6"/></svg>Unmute</button>
        <div class="bar">
        <div class="timeline">\
        <input type="range" class="seek" min="0" max="1000" value="1000" step="1" aria-label="Position" data-action="seek">\
        </div>
        <div class="buttons">
        <button type="button" data-action="play" aria-label="Play (k)" title="Play (k)">\
        <svg viewBox="0 0 24 24" aria-hidden="true"><path class="when-paused" d="M7 4v16l13-8z"/>\
        <path class="when-playing" d="M7 4h3v16H7zM14 4h3v16h-3z"/></svg></button>
        <button type="button" data-action="mute" aria-label="Mute (m)" title="Mute (m)">\
        <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 9v6h4l5 4V5L8 9z"/>\
        <path class="when-sound line" d="M16 9a4 4 0 0 1 0 6M18.5 6.5a8 8 0 0 1 0 11"/>\
        <path class="when-muted line" d="m17 9 5 6m0-6-5 6"/></svg></button>
        <input type="range" class="volume" min="0" max="100" value="100" aria-label="Volume" data-action="volume">
        \(position)
        <span class="gap"></span>
        <button type="button" data-action="captions" aria-label="Captions (c)" title="Captions (c)" aria-pressed="false" hidden>\
        <svg viewBox="0 0 24 24" aria-hidden="true"><path class="line" d="M3 5h18v14H3zM10 10.5a2 2 0 1 0 0 3M17 10.5a2 2 0 1 0 0 3"/></svg></button>
        <button type="button" data-action="fullscreen" aria-label="Full screen (f)" title="Full screen (f)">\
        <svg viewBox="0 0 24 24" aria-hidden="true"><path class="line" d="M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5"/></svg></button>
        </div></div></div>
        """
    }

    /// What somebody is told whose browser runs no scripts and may not play HLS.
    static let needsNativeHLS: HTML = """
        <p>JavaScript is off, so this needs a browser that plays HLS by itself: Safari, or Chrome and Edge from \
        version 142 on. With JavaScript on, other current browsers play it too.</p>
        """

    /// The keys, and what to do where the player is of no use.
    ///
    /// - Parameters:
    ///   - playlist: the path of what it plays.
    ///   - keys: what this page's player has besides.
    /// - Returns: the markup.
    func help(playlist: String, keys: HTML) -> HTML {
        """
        <details class="help"><summary>Keyboard and other players</summary>
        <dl class="keys">
        <div><dt><kbd>Space</kbd> <kbd>k</kbd></dt><dd>play or pause</dd></div>
        <div><dt><kbd>m</kbd></dt><dd>mute</dd></div>
        <div><dt><kbd>f</kbd></dt><dd>full screen</dd></div>
        <div><dt><kbd>c</kbd></dt><dd>captions</dd></div>
        <div><dt><kbd>←</kbd> <kbd>→</kbd></dt><dd>5 seconds back or forward</dd></div>
        <div><dt><kbd>↑</kbd> <kbd>↓</kbd></dt><dd>volume</dd></div>
        \(keys)
        </dl>
        <p>Any HLS player opens <a href="\(playlist)"><code>\(playlist)</code></a> \
        on this server: VLC, mpv, a television. If the picture is troubled here, try the other engine of this page: \
        <a href="?player=hls.js">hls.js</a> or <a href="?player=native">the browser's own</a>.</p>
        </details>
        """
    }
}
