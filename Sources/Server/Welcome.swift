import Ingest
import MediaCore

/// What a person who has just started the server needs to know: where to watch, and what to type into OBS.
struct Welcome {
    let httpHost: String
    let httpPort: Int
    let rtmpHost: String
    let rtmpPort: Int
    /// The key to publish with; `nil` when there is none, or none is needed.
    let key: PublishKey?

    /// Lines for a terminal.
    var text: String {
        let stream = key?.stream.name ?? "main"
        return """

            \(Version.text) is ready.

              Watch         http://\(Self.reachable(httpHost)):\(httpPort)/watch/\(stream)
              HLS           http://\(Self.reachable(httpHost)):\(httpPort)/live/\(stream)/index.m3u8

              OBS           Settings > Stream > Service: Custom…
              Server        rtmp://\(Self.reachable(rtmpHost)):\(rtmpPort)/live
              Stream Key    \(key?.secret.revealed ?? stream)

              No OBS?       scripts/demo publishes a test picture.
              Ctrl-C stops the server.

            """
    }

    /// A name under which a browser or an encoder on this machine reaches a listening address.
    private static func reachable(_ host: String) -> String {
        switch host {
        case "0.0.0.0", "::", "127.0.0.1", "::1": "localhost"
        default: host.contains(":") ? "[\(host)]" : host
        }
    }
}
