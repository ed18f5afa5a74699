import LiveStore
import MediaCore

/// What pages and the API tell of a live.
struct LiveStatus: Sendable {
    /// Where a live stands, in the words of the API.
    enum State: String, Sendable {
        /// Nobody publishes under this name and nobody did a moment ago.
        case offline
        /// Someone publishes; nothing can be played yet.
        case preparing
        case live
        /// The encoder went away and may come back.
        case interrupted
        case ended
    }

    /// The name.
    let id: StreamID
    /// Where it stands.
    let state: State
    /// When it began, in the form of RFC 3339; `nil` when offline.
    let startedAt: String?
    /// Tells one live of a name from the next one; `nil` when offline.
    let tag: String?

    /// What stands in front of its paths: the token of whoever asks.
    let prefix: String

    /// The path of a picture of it, if there is one.
    let posterPath: String?

    /// The status of a name whose newest live, if any, is `stream`.
    init(id: StreamID, stream: LiveStream?, prefix: String = "", poster: String? = nil) {
        self.id = id
        self.prefix = prefix
        posterPath = poster
        state = stream.map { State($0.snapshot.phase) } ?? .offline
        startedAt = stream?.startedAt.description
        tag = stream?.tag
    }

    /// The path of its multivariant playlist.
    var playlistPath: String { Route.playlistPath(id, prefix: prefix) }

    /// Its JSON object.
    var json: JSON {
        .object([
            ("name", .string(id.name)),
            ("state", .string(state.rawValue)),
            ("startedAt", startedAt.map(JSON.string) ?? .null),
            ("tag", tag.map(JSON.string) ?? .null),
            ("playlist", .string(playlistPath)),
            ("page", .string(Route.watchPath(id, prefix: prefix))),
            ("poster", posterPath.map(JSON.string) ?? .null),
        ])
    }
}

extension LiveStatus.State {
    fileprivate init(_ phase: LiveStream.Phase) {
        switch phase {
        case .preparing: self = .preparing
        case .live: self = .live
        case .interrupted: self = .interrupted
        case .ended: self = .ended
        }
    }
}
