/// What one server holds of one stream: its newest events, for all clients that follow it.
///
/// An event is read from the database once for each server, not once for each client. A client that is further behind
/// than ``capacity`` reads the table instead, so that what is held does not grow with how slow somebody is.
///
/// Invariants: the events held are consecutive; the last of them has the number ``head``.
struct TopicFeed: Sendable {
    /// The most events held.
    static let capacity = 256

    /// The number of the newest event known.
    private(set) var head: Int64
    private var recent: [StreamEvent] = []

    /// A feed that begins behind an event.
    init(head: Int64) { self.head = head }

    /// What a client can be given.
    enum Answer: Sendable, Equatable {
        /// These events come next.
        case events([StreamEvent])

        /// Nothing yet.
        case wait

        /// What comes next is not held any more: it is in the table.
        case read
    }

    /// What follows an event.
    ///
    /// - Parameters:
    ///   - position: the number of the last event the client has.
    ///   - limit: the most events given at once.
    /// - Returns: the events, or where to find them.
    func events(after position: Int64, limit: Int) -> Answer {
        guard position < head else { return .wait }
        guard let first = recent.first, first.seq <= position + 1 else { return .read }
        let start = Int(position + 1 - first.seq)
        return .events(Array(recent[start..<min(start + limit, recent.count)]))
    }

    /// Takes in what was read from the table behind ``head``.
    ///
    /// A gap (events were pruned before this server read them) empties what is held: clients then read the table and
    /// see the gap themselves.
    mutating func append(_ events: [StreamEvent]) {
        for event in events where event.seq > head {
            if event.seq != head + 1 { recent.removeAll() }
            recent.append(event)
            head = event.seq
        }
        if recent.count > Self.capacity { recent.removeFirst(recent.count - Self.capacity) }
    }
}

/// An event of a stream as it is stored.
public struct StreamEvent: Sendable, Equatable {
    /// Its number in the stream: 1, 2, 3, … without gaps, in the order the changes were committed.
    public let seq: Int64

    /// Its type.
    public let kind: String

    /// Its JSON.
    public let data: String

    /// Makes an event.
    ///
    /// - Parameters:
    ///   - seq: the number in the stream.
    ///   - kind: the type.
    ///   - data: the JSON.
    public init(seq: Int64, kind: String, data: String) {
        self.seq = seq
        self.kind = kind
        self.data = data
    }
}
