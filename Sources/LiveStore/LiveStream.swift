public import MediaCore
internal import Synchronization

/// One live, from its first segment to its end: what its writer has published and its readers may fetch.
///
/// The seam between the publisher's event loop and the origin's. One writer at a time makes the next ``Snapshot`` in
/// full and swaps it in; readers take what is there. The lock is held for the swap and the look-up, never for work.
///
/// ```
///            begin                first segment
///  (nothing) ------> preparing ------------------> live <----------+
///                        |                          |  |           | resume
///                        | finish                   |  | interrupt |
///                        v                          |  +------> interrupted
///                     removed                       | end          | grace over
///                                                   v              v
///                                                 ended <----------+
/// ```
public final class LiveStream: Sendable {
    /// Where a live stands.
    public enum Phase: Hashable, Sendable {
        /// Someone publishes; nothing can be played yet.
        case preparing
        /// Someone publishes, and it can be played.
        case live
        /// The publisher went away at this moment without a goodbye, and may come back.
        case interrupted(at: ContinuousClock.Instant)
        /// It ended at this moment; its playlist has EXT-X-ENDLIST.
        case ended(at: ContinuousClock.Instant)
    }

    /// All that readers can see of a live at one moment.
    public struct Snapshot: Sendable {
        /// Where the live stands.
        public var phase: Phase
        /// Its segments.
        public var window: LiveWindow
        /// EXT-X-TARGETDURATION, fixed with the first segment.
        public var targetDuration: Int?
        /// The rendered media playlist, from the first segment on.
        public var mediaPlaylist: StoredResource?
        /// The rendered multivariant playlist, from the first segment on.
        public var multivariantPlaylist: StoredResource?
    }

    private struct State {
        var snapshot: Snapshot
        /// Counts the changes, so that a change prepared outside the lock can tell whether it is still due.
        var revision = 0
        var resources: [String: StoredResource] = [:]
    }

    /// The name it is watched under.
    public let id: StreamID
    /// Sets this live's resource names apart from those of any other live of the same name, before or after a restart:
    /// caches keep segments for a year.
    public let tag: String
    /// When it began.
    public let startedAt: WallClockTime

    private let state: Mutex<State>

    init(id: StreamID, tag: String, startedAt: WallClockTime, window: LiveWindow) {
        self.id = id
        self.tag = tag
        self.startedAt = startedAt
        state = Mutex(State(snapshot: Snapshot(phase: .preparing, window: window)))
    }

    /// What can be seen now.
    public var snapshot: Snapshot { state.withLock { $0.snapshot } }

    /// What can be seen now, with the revision that ``end(with:at:ifRevision:)`` takes.
    public var revisedSnapshot: (snapshot: Snapshot, revision: Int) { state.withLock { ($0.snapshot, $0.revision) } }

    /// The segment or initialization segment of this name, listed or recently listed.
    public func resource(named name: String) -> StoredResource? {
        state.withLock { $0.resources[name] }
    }

    /// Shows a new segment to the readers.
    ///
    /// - Parameter snapshot: the window with the segment in it and the playlists rendered from that window.
    public func publish(_ snapshot: Snapshot) {
        // The index is made before the lock and the old one is freed after it.
        var resources = Self.index(snapshot.window)
        state.withLock { state in
            state.snapshot = snapshot
            state.revision += 1
            swap(&state.resources, &resources)
        }
    }

    /// Notes that the publisher went away without a goodbye.
    public func interrupt(at now: ContinuousClock.Instant) {
        state.withLock { state in
            state.snapshot.phase = .interrupted(at: now)
            state.revision += 1
        }
    }

    /// Takes an interrupted live up again; false when it is in any other phase.
    func resume() -> Bool {
        state.withLock { state in
            guard case .interrupted = state.snapshot.phase else { return false }
            state.snapshot.phase = .live
            state.revision += 1
            return true
        }
    }

    /// Ends the live, unless it has changed since `revision`.
    ///
    /// - Parameters:
    ///   - playlist: the last media playlist, with EXT-X-ENDLIST.
    ///   - now: the moment of the end.
    ///   - revision: the revision that the playlist was rendered from.
    /// - Returns: whether the live has ended; false when a publisher came back in between.
    @discardableResult
    public func end(with playlist: StoredResource, at now: ContinuousClock.Instant, ifRevision revision: Int) -> Bool {
        state.withLock { state in
            guard state.revision == revision else { return false }
            state.snapshot.mediaPlaylist = playlist
            state.snapshot.phase = .ended(at: now)
            state.revision += 1
            return true
        }
    }

    private static func index(_ window: LiveWindow) -> [String: StoredResource] {
        var resources: [String: StoredResource] = [:]
        resources.reserveCapacity(window.segments.count * 2)
        func add(_ segment: MediaSegment) {
            resources[segment.resource.name] = segment.resource
            resources[segment.initialization.name] = segment.initialization
        }
        window.retiredSegments.forEach(add)
        window.segments.forEach(add)
        return resources
    }
}
