import Ingest
import MediaCore

/// What a person who has just started the server needs to know: where to watch, and what to type into OBS.
struct Welcome {
    let httpHost: String
    let httpPort: Int
    let httpsPort: Int?
    let rtmpHost: String
    let ports: RTMPServer.Ports
    let playback: ServerConfiguration.Playback
    let publishing: ServerConfiguration.Publishing
    /// The key that this start has made, which is shown only now.
    let newKey: (stream: StreamID, secret: Secret)?

    /// Lines for a terminal.
    var text: String {
        let stream = newKey?.stream.name ?? "main"
        let host = Self.reachable(rtmpHost)
        let site =
            httpsPort.map { "https://\(Self.reachable(httpHost)):\($0)" }
            ?? "http://\(Self.reachable(httpHost)):\(httpPort)"
        let secure = ports.rtmps.map { "\n                or rtmps://\(host):\($0)/live" } ?? ""
        return """

            \(Version.text) is ready.

              Watch         \(watch(site, stream))
              HLS           \(playlist(site, stream))

              OBS           Settings > Stream > Service: Custom…
              Server        rtmp://\(host):\(ports.rtmp)/live\(secure)
              Stream Key    \(streamKey)

              No OBS?       scripts/demo publishes a test picture.
              Ctrl-C stops the server.

            """
    }

    private func watch(_ site: String, _ stream: String) -> String {
        playback == .open ? "\(site)/watch/\(stream)" : "\(site) and a link that `lyceum token \(stream)` makes"
    }

    private func playlist(_ site: String, _ stream: String) -> String {
        playback == .open ? "\(site)/live/\(stream)/index.m3u8" : "the same"
    }

    private var streamKey: String {
        switch publishing {
        case .open: "main, or any name: whoever reaches this port may publish"
        case .webhook: "one that your webhook allows"
        case .keys:
            newKey?.secret.revealed ?? "the one you have; `lyceum key rotate main` makes a new one"
        }
    }

    /// A name under which a browser or an encoder on this machine reaches a listening address.
    private static func reachable(_ host: String) -> String {
        switch host {
        case "0.0.0.0", "::", "127.0.0.1", "::1": "localhost"
        default: host.contains(":") ? "[\(host)]" : host
        }
    }
}
