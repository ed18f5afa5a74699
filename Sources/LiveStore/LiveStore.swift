public import MediaCore
internal import Synchronization

/// Every live of this process by name: those that run and those that ended a moment ago.
public final class LiveStore: Sendable {
    /// How many lives are kept at most, running and ended together, unless more are running.
    public static let maximumStreams = 2048

    /// The lives of one name: the newest, and the one before it as long as its viewers may still be reading.
    private struct Entry {
        var current: LiveStream
        var previous: LiveStream?
    }

    private let entries = Mutex<[StreamID: Entry]>([:])

    /// An empty store.
    public init() {}

    /// The newest live of a name.
    public func stream(_ id: StreamID) -> LiveStream? {
        entries.withLock { $0[id]?.current }
    }

    /// Every name's newest live, in no order.
    public var streams: [LiveStream] {
        entries.withLock { $0.values.map(\.current) }
    }

    /// A name's newest live, and the one before it as long as its viewers may still be reading.
    public func liveStreams(of id: StreamID) -> [LiveStream] {
        guard let entry = entries.withLock({ $0[id] }) else { return [] }
        return [entry.current] + [entry.previous].compactMap(\.self)
    }

    /// A segment, a part or an initialization segment of a name's newest live, or of the one before it, with the live that
    /// it is of.
    public func resource(of id: StreamID, named name: String) -> (resource: LiveWindow.Found, stream: LiveStream)? {
        guard let entry = entries.withLock({ $0[id] }) else { return nil }
        if let resource = entry.current.resource(named: name) { return (resource, entry.current) }
        return entry.previous.flatMap { previous in previous.resource(named: name).map { ($0, previous) } }
    }

    /// Resumes the interrupted live of a name, or begins a new one.
    ///
    /// A new live goes on with the numbers of the one before it, so that a player that held on never sees
    /// EXT-X-MEDIA-SEQUENCE step back, and takes the change for a discontinuity.
    ///
    /// - Parameters:
    ///   - id: the name.
    ///   - tag: what sets a new live's resource names apart; see ``LiveStream/tag``.
    ///   - now: when a new live begins.
    /// - Returns: the live, and whether it was resumed.
    public func begin(_ id: StreamID, tag: String, now: WallClockTime) -> (stream: LiveStream, isResumed: Bool) {
        entries.withLock { entries in
            let last = entries[id]?.current
            if let last, last.resume() { return (last, true) }
            let numbers = last?.snapshot.window
            let stream = LiveStream(
                id: id,
                tag: tag,
                startedAt: now,
                window: LiveWindow(
                    firstMediaSequenceNumber: numbers?.nextMediaSequenceNumber ?? 0,
                    discontinuitySequence: numbers.map { $0.nextDiscontinuitySequence + 1 } ?? 0
                )
            )
            if last == nil { Self.makeRoom(in: &entries) }
            entries[id] = Entry(current: stream, previous: last)
            return (stream, false)
        }
    }

    /// Takes up a live of an earlier process, whose publisher is away and may come back.
    ///
    /// - Parameters:
    ///   - id: its name, which no live has had yet.
    ///   - tag: its tag.
    ///   - startedAt: when it began.
    ///   - snapshot: what it has.
    ///   - now: when its publisher went away, as far as anybody cares.
    /// - Returns: the live.
    public func restore(
        _ id: StreamID,
        tag: String,
        startedAt: WallClockTime,
        _ snapshot: LiveStream.Snapshot,
        at now: ContinuousClock.Instant
    ) -> LiveStream {
        let stream = LiveStream(id: id, tag: tag, startedAt: startedAt, window: snapshot.window)
        stream.publish(snapshot)
        stream.interrupt(at: now)
        entries.withLock { entries in
            precondition(entries[id] == nil, "restored a live of a name that has one")
            entries[id] = Entry(current: stream)
        }
        return stream
    }

    /// Forgets a live that never became playable.
    public func discard(_ stream: LiveStream) {
        entries.withLock { entries in
            guard let entry = entries[stream.id], entry.current === stream else { return }
            if let previous = entry.previous {
                entries[stream.id] = Entry(current: previous)
            } else {
                entries[stream.id] = nil
            }
        }
    }

    /// Forgets the lives that ended before a moment.
    public func removeStreams(endedBefore moment: ContinuousClock.Instant) {
        entries.withLock { entries in
            for (id, entry) in entries {
                if entry.current.hasEnded(before: moment) {
                    entries[id] = nil
                } else if let previous = entry.previous, previous.hasEnded(before: moment) {
                    entries[id]?.previous = nil
                }
            }
        }
    }

    /// Forgets the live that ended first when the store is full.
    private static func makeRoom(in entries: inout [StreamID: Entry]) {
        guard entries.count >= maximumStreams else { return }
        let ended = entries.compactMap { id, entry in entry.current.endedAt.map { (id: id, at: $0) } }
        if let oldest = ended.min(by: { $0.at < $1.at }) { entries[oldest.id] = nil }
    }
}

extension LiveStream {
    /// When the live ended, or `nil` while it runs.
    public var endedAt: ContinuousClock.Instant? {
        guard case .ended(let moment) = snapshot.phase else { return nil }
        return moment
    }

    fileprivate func hasEnded(before moment: ContinuousClock.Instant) -> Bool {
        endedAt.map { $0 < moment } ?? false
    }
}
