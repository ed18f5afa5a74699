internal import MediaCore
internal import NIOCore
internal import Synchronization

/// What a member of a group has sent and the group's event loop has not taken yet.
///
/// Bounded: when the group falls behind, what waits is dropped, and the member's pictures go on with the next keyframe.
final class GroupInbox: Sendable {
    /// One thing that a member has sent.
    enum Item {
        /// A track's configuration.
        case configure(Track)
        /// An access unit.
        case unit(AccessUnit)
        /// Something that the encoder said.
        case metadata(TimedMetadata)
    }

    /// All that waited.
    struct Delivery {
        var items: [Item] = []
        /// Access units that were dropped before them.
        var droppedUnits = 0
        /// How the publish ended; nothing comes after it.
        var end: PublishEnd?
    }

    /// A second at 128 Mb/s.
    static let maximumBytes = 16 << 20
    /// Several seconds of any encoder.
    static let maximumItems = 4096
    /// Memory that an item costs besides its payload.
    fileprivate static let overhead = 64

    fileprivate struct State {
        var delivery = Delivery()
        var bytes = 0
        /// Whether the group's loop is going to look.
        var isAwaited = false
        /// The tracks whose pictures refer to what was dropped.
        var broken: Set<TrackID> = []

        /// Notes that there is something to take.
        ///
        /// - Returns: whether the group's loop must be told.
        mutating func wake() -> Bool {
            defer { isAwaited = true }
            return !isAwaited
        }
    }

    private let state = Mutex(State())

    /// Puts something in.
    ///
    /// - Returns: whether the group's loop must be told.
    func append(_ item: Item) -> Bool {
        // What is dropped is returned, so that it is freed outside the lock.
        let (isNeeded, _) = state.withLock { state -> (Bool, [Item]) in
            if case .unit(let unit) = item, !state.admits(unit) { return (false, []) }
            state.delivery.items.append(item)
            state.bytes += item.byteCount + Self.overhead
            let isFull = state.bytes > Self.maximumBytes || state.delivery.items.count > Self.maximumItems
            let dropped = isFull ? state.dropMedia() : []
            return (state.wake(), dropped)
        }
        return isNeeded
    }

    /// Puts the end in.
    ///
    /// - Returns: whether the group's loop must be told.
    func end(_ end: PublishEnd) -> Bool {
        state.withLock { state in
            state.delivery.end = end
            return state.wake()
        }
    }

    /// Takes all that waits.
    func take() -> Delivery {
        state.withLock { state in
            defer {
                state.delivery = Delivery()
                state.bytes = 0
                state.isAwaited = false
            }
            return state.delivery
        }
    }
}

extension GroupInbox.State {
    /// Whether an access unit can be decoded after what was dropped.
    fileprivate mutating func admits(_ unit: AccessUnit) -> Bool {
        guard !broken.isEmpty, broken.contains(unit.trackID) else { return true }
        guard unit.isSync else {
            delivery.droppedUnits += 1
            return false
        }
        broken.remove(unit.trackID)
        return true
    }

    /// Keeps the newest configuration of each track and nothing else.
    fileprivate mutating func dropMedia() -> [GroupInbox.Item] {
        let dropped = delivery.items
        var tracks: [TrackID: Track] = [:]
        for item in dropped {
            switch item {
            case .configure(let track): tracks[track.id] = track
            case .unit(let unit):
                delivery.droppedUnits += 1
                if unit.trackID.kind == .video { broken.insert(unit.trackID) }
            case .metadata: break
            }
        }
        delivery.items = tracks.values.map { .configure($0) }
        bytes = delivery.items.reduce(0) { $0 + $1.byteCount + GroupInbox.overhead }
        return dropped
    }
}

extension GroupInbox.Item {
    /// A generous guess at a configuration's size, which parsers bound.
    private static let configurationBytes = 4096

    fileprivate var byteCount: Int {
        switch self {
        case .configure: Self.configurationBytes
        case .unit(let unit): unit.payload.readableBytes
        case .metadata(let metadata): metadata.json.utf8.count
        }
    }
}
