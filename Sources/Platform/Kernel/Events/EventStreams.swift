public import Logging
public import Postgres
internal import Synchronization

/// The streams of server-sent events, as one server gives them to its clients.
///
/// Events come through the outbox: the relay numbers them in each stream and tells all servers with one notification
/// for a batch. A server reads each new event once, whatever the number of its clients; it also looks every 5 s and
/// after each loss of the connection, since a notification can be lost.
///
/// A client that comes back with `Last-Event-ID` is given what it missed, from the table. When that is no longer kept,
/// it gets an event `reset` and has to load anew what it shows.
public final class EventStreams: Sendable {
    /// How often the table is looked at without being told.
    static let pollInterval: Duration = .seconds(5)

    private struct Topic {
        var feed: TopicFeed
        var clients: [Int64: AsyncStream<Void>.Continuation] = [:]
    }

    private struct State {
        var topics: [String: Topic] = [:]
        /// What is to be read; nil for all topics.
        var stale: Set<String>? = []
        var nextClient: Int64 = 0
        var isStopping = false
    }

    let database: Database
    let logger: Logger
    /// How long a client may take no byte before its connection is cut: it comes back with `Last-Event-ID`.
    let stallLimit: Duration
    private let state = Mutex(State())
    private let wakes: AsyncStream<Void>
    private let waker: AsyncStream<Void>.Continuation

    /// The streams of a database, which stand still until ``run()``.
    ///
    /// - Parameters:
    ///   - database: where the streams are.
    ///   - logger: where failures are told.
    ///   - stallLimit: how long a client may take no byte before its connection is cut.
    public init(database: Database, logger: Logger, stallLimit: Duration = .seconds(20)) {
        self.database = database
        self.logger = logger
        self.stallLimit = stallLimit
        (wakes, waker) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// How many clients there are.
    public var clientCount: Int { state.withLock { $0.topics.values.reduce(0) { $0 + $1.clients.count } } }

    /// Reads new events and hands them to the clients until the task is cancelled, and then ends all streams.
    public func run() async {
        await withTaskGroup { group in
            group.addTask { await self.listen() }
            group.addTask { await self.tick() }
            for await _ in wakes { await readStale() }
            group.cancelAll()
        }
        let clients = state.withLock { state in
            state.isStopping = true
            return state.topics.values.flatMap(\.clients.values)
        }
        for client in clients { client.finish() }
    }

    // MARK: What a client does

    /// One client of one stream.
    struct Subscription: Sendable {
        let id: Int64
        let topic: String
        /// An element whenever there may be something to do: an event, or a second has gone by; ends when the server
        /// stops.
        let wakes: AsyncStream<Void>
        /// The number of the newest event when it came.
        let head: Int64
    }

    /// Lets a client follow a stream.
    ///
    /// - Throws: `DatabaseError`; `CancellationError` when the server stops.
    func subscribe(to topic: String) async throws -> Subscription {
        let known = try await database.run { try EventStreamTable.head(of: topic, on: $0) }
        let (wakes, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let subscription = try state.withLock { state in
            guard !state.isStopping else { throw CancellationError() }
            state.nextClient += 1
            state.topics[topic, default: Topic(feed: TopicFeed(head: known))].clients[state.nextClient] = continuation
            // What was committed since the read was announced to nobody here.
            state.stale?.insert(topic)
            let head = max(known, state.topics[topic]?.feed.head ?? 0)
            return Subscription(id: state.nextClient, topic: topic, wakes: wakes, head: head)
        }
        waker.yield()
        // What it has missed is there already: nobody else will tell.
        continuation.yield()
        return subscription
    }

    /// Ends a client; the last one of a stream takes what is held of it along.
    func unsubscribe(_ subscription: Subscription) {
        state.withLock { state in
            state.topics[subscription.topic]?.clients[subscription.id] = nil
            if state.topics[subscription.topic]?.clients.isEmpty == true { state.topics[subscription.topic] = nil }
        }
    }

    /// What follows an event in a stream.
    enum Following: Sendable, Equatable {
        /// These.
        case events([StreamEvent])
        /// Nothing yet.
        case nothing
        /// What followed is no longer kept; the newest event has this number.
        case lost(head: Int64)
    }

    /// What follows an event, at most so many.
    func following(_ subscription: Subscription, _ position: Int64, limit: Int) async throws -> Following {
        let answer = state.withLock { $0.topics[subscription.topic]?.feed.events(after: position, limit: limit) }
        switch answer ?? .wait {
        case .events(let events): return .events(events)
        case .wait: return .nothing
        case .read:
            let topic = subscription.topic
            return try await database.run { connection in
                let events = try EventStreamTable.events(of: topic, after: position, limit: limit, on: connection)
                if events.first?.seq == position + 1 { return .events(events) }
                return .lost(head: try EventStreamTable.head(of: topic, on: connection))
            }
        }
    }

    /// The number of the newest event of a client's stream, as far as this server knows.
    func lastKnown(_ subscription: Subscription) -> Int64 {
        max(subscription.head, state.withLock { $0.topics[subscription.topic]?.feed.head } ?? 0)
    }

    // MARK: What the server does

    private func listen() async {
        for await element in database.notifications(on: [EventStreamTable.channel]) {
            switch element {
            case .notification(_, let payload): markStale(StreamAnnouncement.topics(payload))
            case .reconnected: markStale(nil)
            }
        }
    }

    /// Marks topics as to be read.
    func markStale(_ topics: Set<String>?) {
        state.withLock { state in
            guard let stale = state.stale else { return }
            state.stale = topics.map { stale.union($0.filter { state.topics[$0] != nil }) }
        }
        waker.yield()
    }

    /// Wakes every client each second, so that each sees its own times, and the reader every five.
    private func tick() async {
        var seconds = 0
        while !Task.isCancelled {
            do { try await Task.sleep(for: .seconds(1)) } catch { return }
            seconds += 1
            for client in state.withLock({ $0.topics.values.flatMap(\.clients.values) }) { client.yield() }
            if Duration.seconds(seconds) >= Self.pollInterval {
                seconds = 0
                markStale(nil)
            }
        }
    }

    /// Reads what is new in the topics that are stale; what cannot be read stays stale until the next look.
    private func readStale() async {
        let heads = state.withLock { state in
            let stale = state.stale
            state.stale = []
            return state.topics.filter { stale?.contains($0.key) ?? true }.mapValues(\.feed.head)
        }
        guard !heads.isEmpty else { return }
        do {
            let found = try await database.run { connection in
                var found: [String: [StreamEvent]] = [:]
                for (topic, seq) in try EventStreamTable.heads(of: Array(heads.keys), on: connection) {
                    guard let head = heads[topic], seq > head else { continue }
                    // A feed that is far behind begins anew at what it can hold: its clients read the rest themselves.
                    let after = max(head, seq - Int64(TopicFeed.capacity))
                    found[topic] = try EventStreamTable.events(
                        of: topic,
                        after: after,
                        limit: TopicFeed.capacity,
                        on: connection
                    )
                }
                return found
            }
            deliver(found)
        } catch {
            logger.debug("events not read", metadata: ["error": "\(error)"])
        }
    }

    private func deliver(_ found: [String: [StreamEvent]]) {
        let clients = state.withLock { state in
            for (topic, events) in found { state.topics[topic]?.feed.append(events) }
            return found.keys.flatMap { topic in state.topics[topic].map { Array($0.clients.values) } ?? [] }
        }
        for client in clients { client.yield() }
    }
}
