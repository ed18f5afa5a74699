internal import Postgres

/// The statements over `event_stream` and `stream_event`.
enum EventStreamTable {
    /// The channel that tells of new events.
    static let channel = "lyceum_stream"

    /// Under which name the streams are noted in `consumed`.
    private static let consumer = "event-stream"

    /// How long an event can be resumed from, in seconds.
    static let retention: Double = 86_400

    /// The most events kept of one stream.
    static let retainedEvents: Int64 = 10_000

    /// Gives those of the events that go to streams their numbers, stores them, and tells all servers once.
    static func append(_ events: [PublishedEvent], on connection: Connection) throws {
        var topics: [String: [PublishedEvent]] = [:]
        for event in events {
            guard let topic = event.event.stream else { continue }
            if try OutboxTable.markConsumed(event.id, by: consumer, on: connection) {
                topics[topic, default: []].append(event)
            }
        }
        var heads: [(topic: String, seq: Int64)] = []
        // In the same order in every transaction, so that no two can wait for each other.
        for (topic, events) in topics.sorted(by: { $0.key < $1.key }) {
            heads.append((topic, try append(events, to: topic, on: connection)))
        }
        guard !heads.isEmpty else { return }
        let payload = StreamAnnouncement.text(heads)
        try connection.execute("SELECT pg_notify(\(channel), \(payload))")
    }

    /// Stores events of one stream.
    ///
    /// - Returns: the number of the last.
    private static func append(_ events: [PublishedEvent], to topic: String, on connection: Connection) throws -> Int64
    {
        let count = Int64(events.count)
        let last = try connection.queryFirst(
            """
            INSERT INTO event_stream AS s (topic, last_seq) VALUES (\(topic), \(count))
            ON CONFLICT (topic) DO UPDATE SET last_seq = s.last_seq + \(count) RETURNING last_seq
            """
        ) { row in try row.get("last_seq", as: Int64.self) }
        let head = last ?? count
        for (offset, event) in events.enumerated() {
            try connection.execute(
                """
                INSERT INTO stream_event (topic, seq, kind, data)
                VALUES (\(topic), \(head - count + 1 + Int64(offset)), \(event.event.kind), \(JSONText(event.event.payload)))
                """
            )
        }
        return head
    }

    /// The number of the newest event of a stream; 0 when it has none.
    static func head(of topic: String, on connection: Connection) throws -> Int64 {
        try connection.queryFirst("SELECT last_seq FROM event_stream WHERE topic = \(topic)") { try $0.get("last_seq") }
            ?? 0
    }

    /// The numbers of the newest events of streams; what has none is left out.
    static func heads(of topics: [String], on connection: Connection) throws -> [String: Int64] {
        let rows = try connection.query("SELECT topic, last_seq FROM event_stream WHERE topic = ANY(\(topics))") {
            row in
            (try row.get("topic", as: String.self), try row.get("last_seq", as: Int64.self))
        }
        return Dictionary(rows) { $1 }
    }

    /// The events of a stream that follow a number.
    static func events(
        of topic: String,
        after seq: Int64,
        limit: Int,
        on connection: Connection
    ) throws -> [StreamEvent] {
        try connection.query(
            """
            SELECT seq, kind, data FROM stream_event WHERE topic = \(topic) AND seq > \(seq) ORDER BY seq LIMIT \(limit)
            """
        ) { row in
            StreamEvent(
                seq: try row.get("seq"),
                kind: try row.get("kind"),
                data: try row.get("data", as: JSONText.self).text
            )
        }
    }

    /// Removes events that are too old, or too many of their stream; the counters stay, so that no number comes twice.
    ///
    /// - Returns: how many were removed, at most 5000 at once.
    static func prune(on connection: Connection) throws -> Int {
        try connection.execute(
            """
            DELETE FROM stream_event WHERE (topic, seq) IN (
                (SELECT topic, seq FROM stream_event WHERE at < now() - make_interval(secs => \(retention)) LIMIT 2500)
                UNION ALL
                (SELECT e.topic, e.seq FROM event_stream s JOIN stream_event e ON e.topic = s.topic
                    AND e.seq <= s.last_seq - \(retainedEvents)
                    WHERE s.last_seq > \(retainedEvents) LIMIT 2500)
            )
            """
        )
    }
}

/// What a notification says: which streams have how many events now.
///
/// A hint only: listeners read the table.
enum StreamAnnouncement {
    /// PostgreSQL takes 7999 bytes.
    private static let maximumBytes = 7900

    /// The payload of a notification: a line `number topic` for each, or empty for "look at all of them" when they do
    /// not fit.
    static func text(_ heads: [(topic: String, seq: Int64)]) -> String {
        let text = heads.map { "\($0.seq) \($0.topic)" }.joined(separator: "\n")
        return text.utf8.count <= maximumBytes ? text : ""
    }

    /// The topics of a payload; nil for all of them, also when it is none of ours.
    static func topics(_ text: String) -> Set<String>? {
        var topics: Set<String> = []
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, Int64(parts[0]) != nil else { return nil }
            topics.insert(String(parts[1]))
        }
        return topics.isEmpty ? nil : topics
    }
}
