public import HTTPTypes
public import Hummingbird
internal import NIOCore
internal import Postgres
internal import Synchronization

extension EventStreams {
    /// The most events written at once.
    private static let batch = 100

    /// The headers of a stream: not stored, and not held back by proxies.
    public static var headers: HTTPFields {
        var headers: HTTPFields = [.contentType: "text/event-stream; charset=utf-8", .cacheControl: "no-store"]
        if let name = HTTPField.Name("X-Accel-Buffering") { headers[name] = "no" }
        return headers
    }

    /// The body that follows a stream until the client leaves, its access is revoked, or the server stops.
    ///
    /// - Parameters:
    ///   - topic: the stream.
    ///   - lastEventID: the number after which it goes on, from ``ServerSentEvent/lastEventID(_:)``; nil for what comes
    ///     from now on.
    ///   - mayFollow: whether the client still may: asked at the beginning and every 3 s. While it throws, nothing but
    ///     signs of life is sent; false ends the stream.
    /// - Returns: a body for a response with ``headers``.
    public func body(
        topic: String,
        after lastEventID: Int64?,
        mayFollow: @escaping @Sendable () async throws -> Bool
    ) -> ResponseBody {
        ResponseBody { [stallLimit] writer in
            let sink = StreamSink(writer)
            try await withThrowingTaskGroup { group in
                group.addTask {
                    try await self.serve(topic, after: lastEventID, mayFollow: mayFollow) { try await sink.write($0) }
                }
                // Bytes that nobody takes are held by nobody: one write is under way, and it must come to an end.
                group.addTask { try await sink.watch(limit: stallLimit) }
                defer { group.cancelAll() }
                try await group.next()
            }
            try await sink.finish()
        }
    }

    /// Follows a stream for one client.
    ///
    /// - Parameters:
    ///   - topic: the stream.
    ///   - lastEventID: the number after which it goes on.
    ///   - mayFollow: whether the client still may.
    ///   - write: writes text and returns when there is room for more.
    /// - Throws: what `write` throws; `DatabaseError` when the stream cannot be begun.
    func serve(
        _ topic: String,
        after lastEventID: Int64?,
        mayFollow: @Sendable () async throws -> Bool,
        write: (String) async throws -> Void
    ) async throws {
        let clock = ContinuousClock()
        let subscription = try await subscribe(to: topic)
        defer { unsubscribe(subscription) }
        var pace = ClientPace(now: clock.now)
        var position = lastEventID ?? subscription.head
        // The first bytes tell the client that its connection is open.
        try await write("retry: 2000\n" + ServerSentEvent.heartbeat)
        for await _ in subscription.wakes {
            while true {
                if !pace.mayWrite(now: clock.now) {
                    let asked = clock.now
                    guard let isAllowed = try? await mayFollow() else { break }
                    guard isAllowed else { return }
                    pace.confirmedAccess(askedAt: asked)
                }
                let text = await next(subscription, &position)
                guard !text.isEmpty else { break }
                try await write(text)
                pace.wrote(now: clock.now)
            }
            if pace.isSilent(now: clock.now) {
                try await write(ServerSentEvent.heartbeat)
                pace.wrote(now: clock.now)
            }
        }
    }

    /// The text of what follows a position, which is moved on; empty when there is nothing, or while the database is
    /// away.
    private func next(_ subscription: Subscription, _ position: inout Int64) async -> String {
        // A number that was not given out yet is one of another database: nothing of what the client shows is so any
        // more.
        if position > subscription.head, lastKnown(subscription) < position {
            position = lastKnown(subscription)
            return reset(position)
        }
        switch try? await following(subscription, position, limit: Self.batch) {
        case .events(let events):
            position = events.last?.seq ?? position
            return events.reduce(into: "") { $0 += ServerSentEvent(id: $1.seq, kind: $1.kind, data: $1.data).text }
        case .lost(let head):
            position = head
            return reset(head)
        case .nothing, nil: return ""
        }
    }

    /// The event that tells a client to load anew what it shows.
    private func reset(_ head: Int64) -> String { ServerSentEvent(id: head, kind: "reset", data: "{}").text }
}

/// The writer of a response, and since when a write has been under way.
///
/// `@unchecked Sendable`: only the task that serves the client writes, one write after the other, and `finish` is
/// called when that task has ended.
private final class StreamSink: @unchecked Sendable {
    private var writer: any ResponseBodyWriter
    private let writingSince = Mutex<ContinuousClock.Instant?>(nil)

    init(_ writer: any ResponseBodyWriter) { self.writer = writer }

    func write(_ text: String) async throws {
        writingSince.withLock { $0 = .now }
        try await writer.write(ByteBuffer(string: text))
        writingSince.withLock { $0 = nil }
    }

    func finish() async throws { try await writer.finish(nil) }

    /// Throws once a write takes longer than the limit.
    func watch(limit: Duration) async throws {
        while true {
            try await Task.sleep(for: limit / 4)
            if let since = writingSince.withLock({ $0 }), .now - since > limit { throw StreamError.slowClient }
        }
    }
}

/// Why a stream of events was cut.
enum StreamError: Error {
    /// The client has taken no byte for too long.
    case slowClient
}
