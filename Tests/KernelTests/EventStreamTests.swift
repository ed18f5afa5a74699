import HTTPTypes
import Hummingbird
import NIOCore
import PlatformTestSupport
import Postgres
import Synchronization
import Testing

@testable import Kernel

@Suite("Streams of server-sent events")
struct EventStreamTests {
    /// A client that keeps what it has seen and leaves after so many events, in the middle of what was sent.
    final class Client: Sendable {
        struct Left: Error {}
        private let state = Mutex((seen: [Int64](), data: [String](), resets: 0, last: Int64?.none, until: Int.max))

        var seen: [Int64] { state.withLock { $0.seen } }
        var data: [String] { state.withLock { $0.data } }
        var resets: Int { state.withLock { $0.resets } }
        var last: Int64? { state.withLock { $0.last } }

        func leave(afterEvents count: Int) { state.withLock { $0.until = $0.seen.count + count } }

        /// Takes what was written, event by event, as a browser would.
        func take(_ text: String) throws {
            for block in text.split(separator: "\n\n") {
                let lines = block.split(separator: "\n")
                guard let id = lines.first(where: { $0.hasPrefix("id: ") }).flatMap({ Int64($0.dropFirst(4)) }) else {
                    continue
                }
                try state.withLock { state in
                    guard state.seen.count < state.until else { throw Left() }
                    state.last = id
                    if lines.contains("event: reset") {
                        state.resets += 1
                    } else {
                        state.seen.append(id)
                        state.data.append(
                            lines.filter { $0.hasPrefix("data: ") }.map { String($0.dropFirst(6)) }.joined()
                        )
                    }
                }
            }
            if state.withLock({ $0.seen.count >= $0.until }) { throw Left() }
        }
    }

    static func publish(_ number: Int, to stream: String, _ database: Database) async throws {
        try await database.transaction { connection in
            try Outbox.publish(OutboxEvent(kind: "said", stream: stream, payload: "\(number)"), on: connection)
        }
    }

    static func relay(_ database: Database) -> OutboxRelay {
        OutboxRelay(database: database, consumers: [], logger: Background.logger)
    }

    /// Runs servers while a body runs.
    func serving<R: Sendable>(
        _ streams: [EventStreams],
        relays: [OutboxRelay],
        _ body: () async throws -> R
    ) async throws -> R {
        let tasks =
            streams.map { stream in Task { await stream.run() } } + relays.map { relay in Task { await relay.run() } }
        let result: Result<R, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
        return try result.get()
    }

    /// Follows with one connection after the other, which break at random and change between the servers, until all is
    /// seen.
    static func follow(
        _ client: Client,
        _ topic: String,
        _ servers: [EventStreams],
        until count: Int,
        seed: UInt64
    ) async {
        var random = SplitMix(state: seed)
        while client.seen.count < count {
            client.leave(afterEvents: Int.random(in: 0...min(17, count - client.seen.count), using: &random))
            let server = servers[Int.random(in: 0..<servers.count, using: &random)]
            do {
                try await server.serve(topic, after: client.last ?? 0, mayFollow: { true }) { try client.take($0) }
            } catch {
                // The connection is lost, or the database is away: a browser comes back as well.
                await Task.yield()
            }
        }
    }

    struct SplitMix: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    @Test("clients whose connections break at random see every number once and in order, from two servers")
    func dropped() async throws {
        let test = try await Background.database(poolSize: 8)
        let other = test.connect()
        let servers = [test.database, other].map { EventStreams(database: $0, logger: Background.logger) }
        let clients = (0..<5).map { _ in Client() }
        try await serving(servers, relays: [Self.relay(test.database), Self.relay(other)]) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<4 {
                    group.addTask {
                        for number in 0..<100 {
                            try await Self.publish(writer * 1000 + number, to: "room", test.database)
                        }
                    }
                }
                for (number, client) in clients.enumerated() {
                    group.addTask {
                        await Self.follow(client, "room", servers, until: 400, seed: UInt64(number))
                    }
                }
                try await group.waitForAll()
            }
        }
        for client in clients {
            #expect(client.seen == Array(1...400))
            #expect(client.resets == 0)
            // What the numbers stand for is the same for all, and in the order of each writer.
            #expect(client.data == clients[0].data)
        }
        let data = clients[0].data.compactMap(Int.init)
        for writer in 0..<4 { #expect(data.filter { $0 / 1000 == writer } == (0..<100).map { writer * 1000 + $0 }) }
        #expect(servers.map(\.clientCount) == [0, 0])
        await other.shutDown()
    }

    @Test("a database that is killed and comes back breaks no stream and loses no event")
    func restarted() async throws {
        let cluster = try await TestCluster()
        let test = try await Background.database(on: cluster)
        let server = EventStreams(database: test.database, logger: Background.logger)
        let client = Client()
        let half = Tally()
        try await serving([server], relays: [Self.relay(test.database)]) {
            let following = Task {
                client.leave(afterEvents: 40)
                try? await server.serve("room", after: 0, mayFollow: { true }) { text in
                    try client.take(text)
                    if client.seen.count >= 20 { half.add() }
                    if client.seen.count >= 40 { throw Client.Left() }
                }
            }
            for number in 0..<20 { try await Self.publish(number, to: "room", test.database) }
            await half.reaches(1)
            try await cluster.stop(isCrash: true)
            try await cluster.start()
            for number in 20..<40 {
                while (try? await Self.publish(number, to: "room", test.database)) == nil { await Task.yield() }
            }
            await following.value
        }
        // One and the same connection, all the time.
        #expect(Set(client.seen).isSuperset(of: 1...40))
        #expect(client.seen == client.seen.sorted())
    }

    @Test("a stream ends within 5 s of the loss of access")
    func revoked() async throws {
        let test = try await Background.database()
        let server = EventStreams(database: test.database, logger: Background.logger)
        let (revocations, connected) = (Tally(), Tally())
        try await serving([server], relays: []) {
            let following = Task {
                try await server.serve("room", after: nil, mayFollow: { revocations.count == 0 }) { _ in
                    connected.add()
                }
            }
            await connected.reaches(1)
            let clock = ContinuousClock()
            let start = clock.now
            revocations.add()
            try await following.value
            #expect(clock.now - start < .seconds(5))
        }
        #expect(server.clientCount == 0)
    }

    @Test("without access nothing is sent, not even what came before")
    func refused() async throws {
        let test = try await Background.database()
        try await Self.publish(1, to: "room", test.database)
        #expect(try await Self.relay(test.database).relay() == 1)
        let server = EventStreams(database: test.database, logger: Background.logger)
        let client = Client()
        try await serving([server], relays: []) {
            try await server.serve("room", after: 0, mayFollow: { false }) { try client.take($0) }
        }
        #expect(client.seen == [])
    }

    @Test(
        "a client whose next event is no longer kept, or was never given out, is told to load anew",
        arguments: [1, 500]
    )
    func reset(last: Int64) async throws {
        let test = try await Background.database()
        for number in 1...10 { try await Self.publish(number, to: "room", test.database) }
        #expect(try await Self.relay(test.database).relay() == 10)
        try await test.database.run { connection in
            _ = try connection.execute("UPDATE stream_event SET at = now() - interval '2 days' WHERE seq <= 5")
            #expect(try EventStreamTable.prune(on: connection) == 5)
        }
        let server = EventStreams(database: test.database, logger: Background.logger)
        let client = Client()
        try await serving([server], relays: [Self.relay(test.database)]) {
            try await Self.publish(11, to: "room", test.database)
            try? await server.serve("room", after: last, mayFollow: { true }) { text in
                try client.take(text)
                if client.last == 11 { throw Client.Left() }
            }
        }
        #expect(client.resets == 1)
        #expect(client.seen == [] || client.seen == [11])
        #expect(client.last == 11)
    }

    @Test("the counter goes on after all events are gone, so that no number comes twice")
    func counter() async throws {
        let test = try await Background.database()
        for number in 1...3 { try await Self.publish(number, to: "room", test.database) }
        _ = try await Self.relay(test.database).relay()
        try await test.database.run { connection in
            _ = try connection.execute("UPDATE stream_event SET at = now() - interval '2 days'")
            _ = try EventStreamTable.prune(on: connection)
        }
        try await Self.publish(4, to: "room", test.database)
        _ = try await Self.relay(test.database).relay()
        #expect(try await test.database.run { try EventStreamTable.head(of: "room", on: $0) } == 4)
    }

    /// Takes no byte.
    struct Stuck: ResponseBodyWriter {
        mutating func write(_ buffer: ByteBuffer) async throws { try await Task.sleep(for: .seconds(600)) }
        consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }

    @Test("a client that takes nothing is cut off")
    func slow() async throws {
        let test = try await Background.database()
        let server = EventStreams(database: test.database, logger: Background.logger, stallLimit: .milliseconds(100))
        try await serving([server], relays: []) {
            let body = server.body(topic: "room", after: nil, mayFollow: { true })
            await #expect(throws: StreamError.slowClient) { try await body.write(Stuck()) }
            try Task.checkCancellation()
        }
        #expect(server.clientCount == 0)
    }

    @Test("a notification names what is new, or says to look at everything")
    func announcement() {
        let text = StreamAnnouncement.text([("a", 1), ("room with spaces", 22)])
        #expect(StreamAnnouncement.topics(text) == ["a", "room with spaces"])
        let many = StreamAnnouncement.text((0..<1000).map { ("topic-\($0)", 1) })
        #expect(StreamAnnouncement.topics(many) == nil)
        #expect(StreamAnnouncement.topics("nonsense") == nil)
    }
}
