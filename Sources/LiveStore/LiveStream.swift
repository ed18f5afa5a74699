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
        /// What there is beside the media of ``window``: the same segments in other forms or of other tracks.
        public var furtherRenditions: [Rendition.ID: Rendition] = [:]
    }

    /// One of a live's playlists.
    public enum Playlist: Hashable, Sendable {
        /// The multivariant playlist.
        case multivariant
        /// The media playlist of the primary tracks.
        case media
        /// The media playlist of a further rendition, by its name.
        case rendition(name: String)
    }

    private struct State {
        var snapshot: Snapshot
        /// Counts the changes, so that a change prepared outside the lock can tell whether it is still due.
        var revision = 0
        var index = Index()
    }

    /// What readers look up by name.
    private struct Index {
        var resources: [String: StoredResource] = [:]
        var renditionPlaylists: [String: StoredResource] = [:]
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
        state.withLock { $0.index.resources[name] }
    }

    /// A playlist as it is now, with EXT-X-TARGETDURATION; `nil` when the live has none, or not yet.
    public func playlist(_ playlist: Playlist) -> (resource: StoredResource, targetDuration: Int?)? {
        state.withLock { state in
            let resource =
                switch playlist {
                case .multivariant: state.snapshot.multivariantPlaylist
                case .media: state.snapshot.mediaPlaylist
                case .rendition(let name): state.index.renditionPlaylists[name]
                }
            return resource.map { ($0, state.snapshot.targetDuration) }
        }
    }

    /// Shows a new segment, in all renditions at once, to the readers.
    ///
    /// - Parameter snapshot: the windows with the segment in them and the playlists rendered from those windows.
    public func publish(_ snapshot: Snapshot) {
        // The index is made before the lock and the old one is freed after it.
        var index = Self.index(snapshot)
        state.withLock { state in
            state.snapshot = snapshot
            state.revision += 1
            swap(&state.index, &index)
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
    ///   - last: the live as it was at `revision`, its media playlists closed with EXT-X-ENDLIST.
    ///   - now: the moment of the end.
    ///   - revision: the revision that the playlists were rendered from.
    /// - Returns: whether the live has ended; false when a publisher came back in between.
    @discardableResult
    public func end(with last: Snapshot, at now: ContinuousClock.Instant, ifRevision revision: Int) -> Bool {
        var last = last
        last.phase = .ended(at: now)
        var index = Self.index(last)
        return state.withLock { state in
            guard state.revision == revision else { return false }
            state.snapshot = last
            state.revision += 1
            swap(&state.index, &index)
            return true
        }
    }

    private static func index(_ snapshot: Snapshot) -> Index {
        let renditions = snapshot.furtherRenditions.values
        var index = Index()
        index.resources.reserveCapacity(snapshot.window.segments.count * 2 * (1 + renditions.count))
        func add(_ segment: MediaSegment) {
            index.resources[segment.resource.name] = segment.resource
            index.resources[segment.initialization.name] = segment.initialization
        }
        for window in [snapshot.window] + renditions.map(\.window) {
            window.retiredSegments.forEach(add)
            window.segments.forEach(add)
        }
        for rendition in renditions { index.renditionPlaylists[rendition.playlist.name] = rendition.playlist }
        return index
    }
}
