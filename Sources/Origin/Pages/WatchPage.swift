import MediaCore
import NIOHTTP1

extension Pages {
    /// The page of one live, with its player.
    ///
    /// The player's markup is hidden until its script takes it over; without JavaScript a plain video element stands in.
    ///
    /// - Parameters:
    ///   - live: the live.
    ///   - site: how this site is reached from elsewhere, if that is known.
    /// - Returns: the page.
    func watch(_ live: LiveStatus, site: String? = nil) -> Response {
        page(
            .ok,
            title: "\(live.id.name) · Lyceum",
            script: "watch.js",
            head: Self.preview(of: live, site: site),
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
        let api = Route.apiPath(live.id, prefix: live.prefix)
        return player(
            of: "Live video of \(live.id.name)",
            playlist: live.playlistPath,
            attributes: "data-name=\"\(live.id.name)\" data-api=\"\(api)\"",
            videoAttributes: Self.poster(of: live),
            position: """
                <button type="button" class="live" data-action="live" title="Go to live (l)"><span class="dot"></span>\
                <span class="label">Live</span></button>
                """
        )
    }

    private static func poster(of live: LiveStatus) -> HTML {
        live.posterPath.map { " poster=\"\($0)\"" } ?? ""
    }

    /// What sites show that link to it (the Open Graph protocol).
    private static func preview(of live: LiveStatus, site: String?) -> HTML {
        guard let site, let poster = live.posterPath else { return "" }
        return """
            <meta property="og:type" content="video.other">
            <meta property="og:title" content="\(live.id.name)">
            <meta property="og:image" content="\(site)\(poster)">
            <meta property="og:image:type" content="image/jpeg">
            <meta property="og:image:alt" content="A picture of \(live.id.name)">
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
            <video class="plain" controls playsinline src="\(live.playlistPath)"\(Self.poster(of: live))></video>
            \(Self.needsNativeHLS)
            """
            : """
            <section class="notice"><h2>Not live now</h2>
            <p>Nobody is streaming here at the moment. JavaScript is off, so this page cannot look again by itself: \
            reload it later.</p><p><a class="button" href="\(Route.watchPath(live.id, prefix: live.prefix))">Look again</a></p></section>
            """
        return "<noscript>\(video)</noscript>"
    }

    private func help(_ live: LiveStatus) -> HTML {
        help(playlist: live.playlistPath, keys: "<div><dt><kbd>l</kbd></dt><dd>go to live</dd></div>")
    }
}
