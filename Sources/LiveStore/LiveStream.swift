public import MediaCore
public import NIOCore
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
        /// PART-TARGET of EXT-X-PART-INF, fixed with the first segment; `nil` when the live has no parts.
        public var partTarget: MediaTime?
        /// The rendered media playlist, from the first segment on.
        public var mediaPlaylist: RenderedPlaylist?
        /// The rendered multivariant playlist, from the first segment on.
        public var multivariantPlaylist: StoredResource?
        /// Whether EXT-X-PLAYLIST-TYPE says EVENT, fixed with the first segment: no segment is ever removed from the list.
        public var isEvent = false
        /// What there is beside the media of ``window``: the same segments in other forms or of other tracks.
        public var furtherRenditions: [Rendition.ID: Rendition] = [:]

        /// A live without playlists.
        public init(phase: Phase, window: LiveWindow) {
            self.phase = phase
            self.window = window
        }
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

    /// What a reader may wait for.
    public enum Awaited: Hashable, Sendable {
        /// Media playlists that have this segment, or this part of it (`_HLS_msn` and `_HLS_part`, RFC 8216bis §6.2.5.2).
        case segment(Int, part: Int?)
        /// A resource that EXT-X-PRELOAD-HINT names.
        case resource(ResourceName)
    }

    private struct State {
        var snapshot: Snapshot
        /// Counts the changes, so that a change prepared outside the lock can tell whether it is still due.
        var revision = 0
        var waiters = Waiters()
        var publishedAt = NIODeadline.uptimeNanoseconds(0)
    }

    /// The name it is watched under.
    public let id: StreamID
    /// Sets this live's resource names apart from those of any other live of the same name, before or after a restart:
    /// caches keep segments for a year.
    public let tag: String
    /// When it began.
    public let startedAt: WallClockTime

    /// Who watches it.
    public let audience = Audience()

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

    /// The segment, part or initialization segment of this name, listed or recently listed.
    public func resource(named name: String) -> LiveWindow.Found? {
        guard let parsed = ResourceName(name, tag: tag) else { return nil }
        return state.withLock { $0.snapshot.resource(parsed, named: name) }
    }

    /// A playlist as it is now, with EXT-X-TARGETDURATION; `nil` when the live has none, or not yet.
    ///
    /// - Parameters:
    ///   - playlist: which one.
    ///   - skip: what the reader has of it already.
    /// - Returns: the playlist in that form.
    public func playlist(
        _ playlist: Playlist,
        skipping skip: RenderedPlaylist.Skip? = nil
    ) -> (resource: StoredResource, targetDuration: Int?)? {
        state.withLock { state in
            let resource =
                switch playlist {
                case .multivariant: state.snapshot.multivariantPlaylist
                case .media: state.snapshot.mediaPlaylist?.form(skipping: skip)
                case .rendition(let name): state.snapshot.rendition(playlist: name)?.playlist.form(skipping: skip)
                }
            return resource.map { ($0, state.snapshot.targetDuration) }
        }
    }

    /// How far away a segment, or a part of it, is, and where the live stands; see ``Snapshot/reach(of:part:)``.
    public func reach(
        of number: Int,
        part index: Int?
    ) -> (reach: Snapshot.Reach, phase: Phase, targetDuration: Int?) {
        state.withLock { state in
            (state.snapshot.reach(of: number, part: index), state.snapshot.phase, state.snapshot.targetDuration)
        }
    }

    /// Shows a new part or segment, in all renditions at once, to the readers, and wakes those that wait for it.
    ///
    /// - Parameter snapshot: the windows with the part or segment in them and the playlists rendered from those windows.
    public func publish(_ snapshot: Snapshot) {
        let now = NIODeadline.now()
        let woken = state.withLock { state in
            state.snapshot = snapshot
            state.revision += 1
            state.publishedAt = now
            return state.waiters.take { snapshot.isOver($0) }
        }
        woken.wake()
    }

    // MARK: - Waiting

    /// Waits for something that is not there yet.
    ///
    /// - Parameters:
    ///   - awaited: what for.
    ///   - eventLoop: where the reader runs.
    ///   - resume: called on that loop, once, when it is there or will never be.
    /// - Returns: what ``cancel(_:)`` takes; `nil` when there is nothing to wait for, and then `resume` is not called.
    public func wait(
        for awaited: Awaited,
        on eventLoop: any EventLoop,
        _ resume: @escaping @Sendable () -> Void
    ) -> UInt64? {
        state.withLock { state in
            state.snapshot.isOver(awaited) ? nil : state.waiters.add(awaited, on: eventLoop, resume)
        }
    }

    /// Forgets a reader that waits no longer; nothing happens when it has been woken already.
    public func cancel(_ wait: UInt64) { state.withLock { $0.waiters.remove(wait) } }

    /// When the newest part or segment was shown.
    public var publishedAt: NIODeadline { state.withLock { $0.publishedAt } }

    /// How many readers wait now.
    public var waitingReaders: Int { state.withLock { $0.waiters.waitingCount } }

    // MARK: - The publisher's comings and goings

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
        let ended = last
        let shownAt = NIODeadline.now()
        let woken: Waiters.Woken? = state.withLock { state in
            guard state.revision == revision else { return nil }
            state.snapshot = ended
            state.revision += 1
            state.publishedAt = shownAt
            return state.waiters.take { _ in true }
        }
        woken?.wake()
        return woken != nil
    }
}

extension LiveStream.Snapshot {
    /// Whether the live has ended: nothing of it changes any more.
    public var hasEnded: Bool {
        if case .ended = phase { return true }
        return false
    }

    /// How far away a segment, or a part of one, is that a reader waits for.
    public enum Reach: Hashable, Sendable {
        /// It is there, or nothing more will come.
        case there
        /// It is to be expected.
        case ahead
        /// No reader of these playlists can expect it (RFC 8216bis §6.2.5.2).
        case beyond
    }

    /// How far away a segment, or a part of it, is.
    public func reach(of number: Int, part index: Int?) -> Reach {
        if hasEnded || window.hasReached(number, part: index) { return .there }
        let next = window.nextPart
        guard number <= next.mediaSequenceNumber + 1 else { return .beyond }
        guard let index, let partTarget else { return .ahead }
        // The Advance Part Limit.
        let limit = partTarget.seconds >= 1 ? 3 : Int((3 / partTarget.seconds).rounded(.up))
        let first =
            switch number {
            case next.mediaSequenceNumber: next.index
            case ..<next.mediaSequenceNumber: window.last?.parts.count ?? 0
            default: 0
            }
        return index < first + limit ? .ahead : .beyond
    }

    /// Whether this is a resource that EXT-X-PRELOAD-HINT names now.
    public func hints(at name: ResourceName) -> Bool {
        guard partTarget != nil, !hasEnded, let window = window(of: name.rendition) else { return false }
        let next = window.nextPart
        return name.item == .part(next.mediaSequenceNumber, index: next.index)
    }

    func resource(_ name: ResourceName, named text: String) -> LiveWindow.Found? {
        window(of: name.rendition)?.resource(name.item, named: text)
    }

    func rendition(playlist name: String) -> Rendition? {
        furtherRenditions.values.first { $0.playlist.full.name == name }
    }

    /// Whether there is no more reason to wait.
    fileprivate func isOver(_ awaited: LiveStream.Awaited) -> Bool {
        guard !hasEnded else { return true }
        return switch awaited {
        case .segment(let number, let part): window.hasReached(number, part: part)
        case .resource(let name): !hints(at: name)
        }
    }

    private func window(of rendition: Rendition.ID?) -> LiveWindow? {
        guard let rendition else { return window }
        return furtherRenditions[rendition]?.window
    }
}
