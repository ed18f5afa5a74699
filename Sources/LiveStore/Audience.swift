public import NIOCore
internal import Synchronization

/// Who watches a live, and what they were sent.
///
/// A viewer is a playback session: a token, or else an address with the name that the player gives itself. One who has asked
/// for no playlist for a while has left. Behind a cache, only the cache is seen.
public final class Audience: Sendable {
    /// What viewers ask for.
    public enum Kind: Int, CaseIterable, Sendable {
        /// A playlist, of renditions or of segments.
        case playlist
        /// A whole segment.
        case segment
        /// A part.
        case part
        /// An initialization segment.
        case initialization
    }

    /// What has been counted.
    public struct Figures: Hashable, Sendable {
        /// Playback sessions now.
        public var viewers = 0
        /// Requests that wait for what is not there yet, now.
        public var heldRequests = 0
        /// Requests that were answered with a body, or with "not modified", by ``Kind``.
        public var requests: [Kind: Int] = [:]
        /// Bytes of bodies.
        public var bytes = 0

        /// Nothing yet.
        public init() {}
    }

    /// How many sessions are told apart; more are not counted.
    public static let maximumViewers = 65_536

    private let sessions = Mutex<[Int: NIODeadline]>([:])
    private let playlists = Atomic(0)
    private let segments = Atomic(0)
    private let parts = Atomic(0)
    private let initializations = Atomic(0)
    private let bytes = Atomic(0)

    init() {}

    /// Counts an answer.
    ///
    /// - Parameters:
    ///   - kind: what was sent.
    ///   - byteCount: the size of its body.
    public func sent(_ kind: Kind, byteCount: Int) {
        counter(kind) { $0.add(1, ordering: .relaxed) }
        bytes.add(byteCount, ordering: .relaxed)
    }

    /// Notes that a viewer follows the live.
    ///
    /// - Parameters:
    ///   - session: tells viewers apart.
    ///   - deadline: when the viewer has left unless this is called again.
    ///   - now: this moment.
    public func follows(_ session: Int, until deadline: NIODeadline, now: NIODeadline) {
        sessions.withLock { sessions in
            if sessions.count >= Self.maximumViewers, sessions[session] == nil {
                sessions = sessions.filter { $0.value > now }
                guard sessions.count < Self.maximumViewers else { return }
            }
            sessions[session] = deadline
        }
    }

    /// What has been counted until now, without ``Figures/heldRequests``.
    func figures(now: NIODeadline) -> Figures {
        var figures = Figures()
        figures.viewers = sessions.withLock { sessions in
            sessions = sessions.filter { $0.value > now }
            return sessions.count
        }
        for kind in Kind.allCases { figures.requests[kind] = counter(kind) { $0.load(ordering: .relaxed) } }
        figures.bytes = bytes.load(ordering: .relaxed)
        return figures
    }

    @discardableResult
    private func counter<Result>(_ kind: Kind, _ body: (borrowing Atomic<Int>) -> Result) -> Result {
        switch kind {
        case .playlist: body(playlists)
        case .segment: body(segments)
        case .part: body(parts)
        case .initialization: body(initializations)
        }
    }
}

extension LiveStream {
    /// Who watches, and what they were sent.
    public func audienceFigures(now: NIODeadline) -> Audience.Figures {
        var figures = audience.figures(now: now)
        figures.heldRequests = waitingReaders
        return figures
    }
}
