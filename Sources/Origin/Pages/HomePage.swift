import MediaCore
import NIOHTTP1

extension Pages {
    /// The page that lists the lives.
    ///
    /// - Parameters:
    ///   - lives: every live of the store, ended ones included.
    ///   - host: the Host field, to tell a newcomer where to publish.
    /// - Returns: the page.
    func home(_ lives: [LiveStatus], host: String?) -> Response {
        let running = lives.filter { $0.state != .ended }
        let ended = lives.filter { $0.state == .ended }
        let list: HTML =
            running.isEmpty ? invitation(host: host) : "<ul class=\"lives\">\n\(running.map(Self.card))</ul>"
        let past: HTML =
            ended.isEmpty ? "" : "<h2>Ended a moment ago</h2>\n<ul class=\"lives\">\n\(ended.map(Self.card))</ul>"
        return page(
            .ok,
            title: running.isEmpty ? "Lyceum" : "\(running.count) live · Lyceum",
            script: "home.js",
            """
            <h1>Live now</h1>
            <div id="lives" aria-live="polite" aria-busy="false">
            \(list)
            \(past)
            </div>
            """
        )
    }

    private static func card(_ live: LiveStatus) -> HTML {
        let since: HTML = live.startedAt.map { "<time datetime=\"\($0)\">began \(minute($0)) UTC</time>" } ?? ""
        let picture: HTML =
            live.posterPath.map {
                "<img src=\"\($0)\" alt=\"A picture of \(live.id.name)\" width=\"640\" height=\"360\">"
            }
            ?? ""
        return """
            <li><a href="\(Route.watchPath(live.id))">\(picture)<span class="name">\(live.id.name)</span>\
            <span class="meta"><span class="badge" data-state="\(live.state.rawValue)">\(label(live.state))</span>\
            \(since)</span></a></li>

            """
    }

    /// What someone who has just installed the server needs next.
    private func invitation(host: String?) -> HTML {
        guard let rtmpPort else {
            return """
                <section class="notice"><h2>Nobody is live</h2>
                <p>This page shows a live when one begins.</p></section>
                """
        }
        let server = "rtmp://\(Self.hostName(host) ?? "this-server"):\(rtmpPort)/live"
        return """
            <section class="notice">
            <h2>Nobody is live yet</h2>
            <p>To go live with OBS Studio, open <b>Settings → Stream</b> and enter:</p>
            <dl class="settings">
            <div><dt>Service</dt><dd>Custom…</dd></div>
            <div><dt>Server</dt><dd><code>\(server)</code></dd></div>
            <div><dt>Stream Key</dt><dd>the key that the server printed when it started</dd></div>
            </dl>
            <p>Then press <b>Start Streaming</b>. The live appears here by itself. For the lowest delay set \
            <b>Output → Keyframe Interval</b> to 2 s.</p>
            </section>
            """
    }

    /// A Host field's name without its port, if it is made of what names and addresses are made of: it comes from the
    /// peer and goes onto a page to be copied from.
    static func hostName(_ host: String?) -> String? {
        guard let host, (1...255).contains(host.utf8.count) else { return nil }
        let isIPv6 = host.utf8.first == UInt8(ascii: "[")
        let end = isIPv6 ? host.firstIndex(of: "]").map(host.index(after:)) : host.firstIndex(of: ":") ?? host.endIndex
        guard let end else { return nil }
        let name = host[..<end]
        let isAllowed = name.unicodeScalars.allSatisfy { scalar in
            scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType == .decimal)
                || (isIPv6 ? ":.[]" : "-.").unicodeScalars.contains(scalar)
        }
        return isAllowed && !name.isEmpty ? String(name) : nil
    }

    /// The hour and minute of a moment in the form of RFC 3339.
    private static func minute(_ moment: String) -> String { String(moment.dropFirst(11).prefix(5)) }

    private static func label(_ state: LiveStatus.State) -> String {
        switch state {
        case .offline: "Offline"
        case .preparing: "Starting"
        case .live: "Live"
        case .interrupted: "Interrupted"
        case .ended: "Ended"
        }
    }
}
