/// Which recordings go, and which only leave this server's disk: decided from what there is, without I/O.
///
/// What an operator keeps is never deleted, and neither is what is still being recorded. Of the rest the oldest go first. Where
/// the disk runs out, media goes first that the store has as well.
public struct RetentionPolicy: Hashable, Sendable {
    private static let day: Double = 86_400_000

    /// After how many days a recording is deleted; `nil` for never.
    public var days: Double?
    /// How many bytes all recordings may have together, wherever they are; `nil` for as many as there are.
    public var byteCount: Int64?
    /// How many bytes of this server's disk are to stay free.
    public var freeByteCount: Int64
    /// After how many days the media of a recording that is in the store leaves this server's disk; `nil` for never.
    public var localDays: Double?

    /// A policy.
    public init(days: Double? = nil, byteCount: Int64? = nil, freeByteCount: Int64 = 0, localDays: Double? = nil) {
        self.days = days
        self.byteCount = byteCount
        self.freeByteCount = freeByteCount
        self.localDays = localDays
    }

    /// What the decision needs to know of a recording.
    public struct Entry: Hashable, Sendable {
        /// Which one.
        public var id: RecordingID
        /// When it ended, or began where it has not ended, in milliseconds since 1970.
        public var time: Int64
        /// The bytes of its media.
        public var byteCount: Int64
        /// Whether it is complete.
        public var isComplete: Bool
        /// Whether an operator keeps it.
        public var isKept: Bool
        /// Whether the store has it.
        public var isUploaded: Bool
        /// Whether its media is on this server's disk.
        public var isLocal: Bool

        /// What the facts say.
        public init(_ facts: RecordingFacts) {
            id = facts.id
            time = facts.endedAt ?? facts.startedAt
            byteCount = facts.byteCount
            isComplete = facts.state == .ready
            isKept = facts.isKept
            isUploaded = facts.uploadedAt != nil
            isLocal = facts.droppedAt == nil
        }
    }

    /// Why something goes.
    public enum Reason: String, Hashable, Sendable {
        /// It is older than recordings may be.
        case age
        /// All recordings together have more bytes than they may.
        case quota
        /// The disk has less free than it is to have.
        case diskSpace = "disk space"
        /// The store has it, and long enough.
        case uploaded
    }

    /// What is to be done with a recording.
    public struct Step: Hashable, Sendable {
        /// What.
        public enum Action: Hashable, Sendable {
            /// It is deleted, here and in the store.
            case delete
            /// Its media leaves this server's disk.
            case dropMedia
        }

        /// Which recording.
        public var id: RecordingID
        /// What is to be done.
        public var action: Action
        /// Why.
        public var reason: Reason
    }

    /// What is to be done, and what it does not achieve.
    public struct Decision: Hashable, Sendable {
        /// What is to be done, in this order.
        public var steps: [Step] = []
        /// By how many bytes all recordings together have more than they may nevertheless.
        public var excess: Int64 = 0
        /// How many bytes the disk lacks nevertheless.
        public var shortage: Int64 = 0
    }

    /// What is to be done.
    ///
    /// - Parameters:
    ///   - entries: all recordings.
    ///   - now: the time of day, in milliseconds since 1970.
    ///   - free: how many bytes the disk has free; `nil` when it does not say.
    /// - Returns: the decision.
    public func decide(_ entries: [Entry], now: Int64, free: Int64?) -> Decision {
        var plan = Plan(left: entries.sorted { ($0.time, $0.id.text) < ($1.time, $1.id.text) }, free: free ?? .max)
        if let days {
            for entry in plan.left where entry.isDeletable && Double(now - entry.time) > days * Self.day {
                plan.delete(entry, .age)
            }
        }
        if let byteCount {
            for entry in plan.left where entry.isDeletable && plan.byteCount > byteCount { plan.delete(entry, .quota) }
            plan.decision.excess = max(0, plan.byteCount - byteCount)
        }
        if let localDays {
            for entry in plan.left where entry.isDroppable && Double(now - entry.time) >= localDays * Self.day {
                plan.drop(entry, .uploaded)
            }
        }
        for entry in plan.left where entry.isDroppable && plan.free < freeByteCount { plan.drop(entry, .diskSpace) }
        for entry in plan.left where entry.isDeletable && entry.isLocal && plan.free < freeByteCount {
            plan.delete(entry, .diskSpace)
        }
        plan.decision.shortage = max(0, freeByteCount - plan.free)
        return plan.decision
    }

    /// A decision in the making.
    private struct Plan {
        /// What is not deleted, the oldest first.
        var left: [Entry]
        var free: Int64
        var decision = Decision()

        private(set) var byteCount: Int64

        init(left: [Entry], free: Int64) {
            self.left = left
            self.free = free
            byteCount = left.reduce(0) { $0 + $1.byteCount }
        }

        mutating func delete(_ entry: Entry, _ reason: Reason) {
            left.removeAll { $0.id == entry.id }
            byteCount -= entry.byteCount
            decision.steps.append(Step(id: entry.id, action: .delete, reason: reason))
            release(entry)
        }

        mutating func drop(_ entry: Entry, _ reason: Reason) {
            guard let index = left.firstIndex(where: { $0.id == entry.id }) else { return }
            left[index].isLocal = false
            decision.steps.append(Step(id: entry.id, action: .dropMedia, reason: reason))
            release(entry)
        }

        private mutating func release(_ entry: Entry) {
            guard entry.isLocal else { return }
            free = free.addingReportingOverflow(entry.byteCount).overflow ? .max : free + entry.byteCount
        }
    }
}

extension RetentionPolicy.Entry {
    fileprivate var isDeletable: Bool { isComplete && !isKept }
    fileprivate var isDroppable: Bool { isComplete && isUploaded && isLocal }
}
