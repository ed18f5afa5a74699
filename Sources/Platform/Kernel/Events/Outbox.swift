public import Foundation
public import Postgres

/// Something that has happened, for whoever wants to know.
public struct OutboxEvent: Sendable, Equatable {
    /// The most bytes of JSON of an event.
    public static let maximumPayload = 64 << 10

    /// What happened, such as `account.created`.
    public let kind: String

    /// What it happened to: a public id, or nil.
    public let subject: String?

    /// The stream of server-sent events it also goes to, or nil for none.
    public let stream: String?

    /// More about it, as JSON.
    public let payload: String

    /// Makes an event of JSON.
    ///
    /// - Parameters:
    ///   - kind: what happened, 1 to 100 characters.
    ///   - subject: the public id of what it happened to.
    ///   - stream: the topic of a stream of server-sent events.
    ///   - payload: JSON, at most ``maximumPayload`` bytes.
    public init(kind: String, subject: String? = nil, stream: String? = nil, payload: String = "{}") {
        self.kind = kind
        self.subject = subject
        self.stream = stream
        self.payload = payload
    }

    /// Makes an event of a value that is written as JSON.
    ///
    /// - Parameters:
    ///   - kind: what happened.
    ///   - subject: the public id of what it happened to.
    ///   - stream: the topic of a stream of server-sent events.
    ///   - value: more about it.
    /// - Throws: `EncodingError`.
    public init(kind: String, subject: String? = nil, stream: String? = nil, of value: some Encodable) throws {
        let json = String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
        self.init(kind: kind, subject: subject, stream: stream, payload: json)
    }
}

/// An event as a consumer gets it.
public struct PublishedEvent: Sendable, Equatable {
    /// Its number in the outbox: the same at each delivery.
    public let id: Int64

    /// What was published.
    public let event: OutboxEvent

    /// When.
    public let at: Date
}

/// Where modules tell each other what has happened, without knowing each other.
///
/// An event is written in the transaction of the change; the relay (``OutboxRelay``) hands it to every consumer, in
/// order, at least once, each delivery with a mark of its own in the same transaction as what the consumer does.
///
/// The order is that in which changes became visible: of two changes, one of which began after the other was committed,
/// the first comes first. For two changes of one object this holds if the event is published after its row is locked.
public enum Outbox {
    /// Writes an event in the transaction of the connection.
    ///
    /// - Throws: `DatabaseError`; ``JobError/permanent(_:)`` for a payload that is too large.
    public static func publish(_ event: OutboxEvent, on connection: Connection) throws {
        guard event.payload.utf8.count <= OutboxEvent.maximumPayload else {
            throw JobError.permanent(
                "event has \(event.payload.utf8.count) bytes, at most \(OutboxEvent.maximumPayload) allowed"
            )
        }
        // No notification here: a commit with one takes a lock of the whole cluster. The relay looks often instead.
        try connection.execute(
            """
            INSERT INTO outbox (kind, subject, stream, payload)
            VALUES (\(event.kind), \(event.subject as String?), \(event.stream as String?), \(JSONText(event.payload)))
            """
        )
    }

    /// How far the relay is behind.
    public struct Lag: Sendable, Equatable {
        /// The events that wait.
        public let waiting: Int
        /// How long the oldest of them has waited, in seconds; 0 without one.
        public let oldestSeconds: Double
    }

    /// How far the relay is behind.
    public static func lag(on connection: Connection) throws -> Lag {
        try connection.queryFirst(
            """
            SELECT count(*) AS waiting,
                COALESCE(extract(epoch FROM now() - min(created_at)), 0)::double precision AS oldest
            FROM outbox WHERE relayed_at IS NULL
            """
        ) { row in Lag(waiting: try row.get("waiting"), oldestSeconds: try row.get("oldest")) }
            ?? Lag(waiting: 0, oldestSeconds: 0)
    }
}

/// Who does something about events.
public struct OutboxConsumer: Sendable {
    /// Its name, under which it is noted what it has had: never changed once it is in use.
    public let name: String

    /// Whether it wants an event of a kind.
    let wants: @Sendable (String) -> Bool

    /// Does something about an event, with this connection only: the transaction also holds the mark of delivery.
    let consume: @Sendable (PublishedEvent, Connection) throws -> Void

    /// Registers a consumer.
    ///
    /// - Parameters:
    ///   - name: its name.
    ///   - kinds: the kinds of events it wants.
    ///   - consume: does something about an event in the transaction given; what takes long or leaves the database is
    ///     enqueued as a job there.
    public init(
        name: String,
        kinds: Set<String>,
        consume: @escaping @Sendable (PublishedEvent, Connection) throws -> Void
    ) {
        self.init(name: name, wants: { kinds.contains($0) }, consume: consume)
    }

    init(
        name: String,
        wants: @escaping @Sendable (String) -> Bool,
        consume: @escaping @Sendable (PublishedEvent, Connection) throws -> Void
    ) {
        self.name = name
        self.wants = wants
        self.consume = consume
    }
}
