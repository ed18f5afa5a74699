import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import PlatformTestSupport
import Postgres
import Synchronization
import Testing

@testable import Kernel

@Suite("Outgoing webhooks, sent over real connections")
struct WebhookSenderTests {
    /// A receiver on a port of this machine: takes, moves away, refuses for now and for good.
    final class Receiver: Sendable {
        struct Got: Sendable {
            let path: String
            let headers: HTTPFields
            let body: [UInt8]
        }

        private let got = Mutex<[Got]>([])
        var requests: [Got] { got.withLock { $0 } }

        /// Receives while a body runs.
        func receiving<R: Sendable>(_ body: @escaping @Sendable (Int) async throws -> R) async throws -> R {
            let router = Router()
            router.post("{what}") { [self] request, _ in
                let bytes = Array(try await request.body.collect(upTo: 1 << 16).readableBytesView)
                got.withLock { $0.append(Got(path: request.uri.path, headers: request.headers, body: bytes)) }
                return switch request.uri.path {
                case "/take": Response(status: .noContent)
                case "/move": Response(status: .temporaryRedirect, headers: [.location: "/take"])
                case "/gone": Response(status: .gone)
                default: Response(status: .serviceUnavailable)
                }
            }
            let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
            let application = Application(
                router: router,
                configuration: .init(address: .hostname("127.0.0.1", port: 0)),
                onServerRunning: { channel in
                    continuation.yield(channel.localAddress?.port ?? 0)
                },
                logger: Background.logger
            )
            let server = Task { try await application.runService(gracefulShutdownSignals: []) }
            defer { server.cancel() }
            var iterator = ports.makeAsyncIterator()
            return try await body(await iterator.next() ?? 0)
        }
    }

    static let secret = Array("secret".utf8)

    static func sender(_ port: Int, allowsLoopback: Bool = true, resolved: [String] = ["127.0.0.1"]) -> WebhookSender {
        WebhookSender(
            policy: WebhookTargetPolicy(
                ports: [port],
                allowedRanges: allowsLoopback ? [AddressRange("127.0.0.0/8")].compactMap { $0 } : []
            ),
            secret: { $0 == "known" ? secret : nil },
            resolve: { _ in resolved.compactMap { IPAddress($0) } }
        )
    }

    static func delivery(_ url: String, signer: String = "known") -> WebhookSender.Delivery {
        WebhookSender.Delivery(url: url, signer: signer, event: "post.created", id: "whd_1", body: #"{"a":1}"#)
    }

    @Test("a delivery arrives signed, at the address that was checked, under the name that was given")
    func arrives() async throws {
        let receiver = Receiver()
        let now = Date(timeIntervalSince1970: 1_700_000_000)
        try await receiver.receiving { port in
            // Nobody but the sender's own look-up knows this name: the connection goes where that one said.
            let url = "http://Hooks.Example.ORG:\(port)/take"
            try await Self.sender(port).send(Self.delivery(url), at: now)
        }
        let request = try #require(receiver.requests.first)
        #expect(receiver.requests.count == 1)
        #expect(request.body == Array(#"{"a":1}"#.utf8))
        let signature = try #require(HTTPField.Name(WebhookSignature.header).flatMap { request.headers[$0] })
        #expect(WebhookSignature.isValid(signature, for: request.body, now: 1_700_000_000, secret: Self.secret))
        #expect(request.headers[HTTPField.Name("Lyceum-Delivery")!] == "whd_1")
        #expect(request.headers[HTTPField.Name("Lyceum-Event")!] == "post.created")
    }

    @Test("a target within our own network is refused before anything is sent, for good")
    func refused() async throws {
        let receiver = Receiver()
        try await receiver.receiving { port in
            for (url, resolved) in [
                ("http://127.0.0.1:\(port)/take", ["127.0.0.1"]),
                ("http://inside.example.org:\(port)/take", ["127.0.0.1"]),
                ("http://both.example.org:\(port)/take", ["1.1.1.1", "127.0.0.1"]),
                ("http://mapped.example.org:\(port)/take", ["::ffff:127.0.0.1"]),
            ] {
                let sender = Self.sender(port, allowsLoopback: false, resolved: resolved)
                let error = await #expect(throws: JobError.self) {
                    try await sender.send(Self.delivery(url), at: Date())
                }
                guard case .permanent = error else {
                    Issue.record("\(url)")
                    continue
                }
            }
            let nowhere = Self.sender(port, resolved: [])
            await #expect(throws: WebhookTargetError.unresolved("none.example.org")) {
                try await nowhere.send(Self.delivery("http://none.example.org:\(port)/take"), at: Date())
            }
        }
        #expect(receiver.requests.isEmpty)
    }

    @Test("a redirect is not followed, and is no success")
    func redirect() async throws {
        let receiver = Receiver()
        try await receiver.receiving { port in
            await #expect(throws: WebhookRefused.self) {
                try await Self.sender(port).send(Self.delivery("http://127.0.0.1:\(port)/move"), at: Date())
            }
            try Task.checkCancellation()
        }
        #expect(receiver.requests.map(\.path) == ["/move"])
    }

    @Test("410 and a signer that is gone are for good, other answers for now")
    func answers() async throws {
        let receiver = Receiver()
        try await receiver.receiving { port in
            let sender = Self.sender(port)
            await #expect(throws: JobError.permanent("receiver answered 410")) {
                try await sender.send(Self.delivery("http://127.0.0.1:\(port)/gone"), at: Date())
            }
            await #expect(throws: JobError.permanent("no secret of unknown")) {
                try await sender.send(Self.delivery("http://127.0.0.1:\(port)/take", signer: "unknown"), at: Date())
            }
            await #expect(throws: WebhookRefused.self) {
                try await sender.send(Self.delivery("http://127.0.0.1:\(port)/later"), at: Date())
            }
            try Task.checkCancellation()
        }
        #expect(receiver.requests.map(\.path) == ["/gone", "/later"])
    }

    @Test("a delivery goes through the jobs, and is tried again until it is taken")
    func queued() async throws {
        let test = try await Background.database()
        let receiver = Receiver()
        try await receiver.receiving { port in
            let delivery = Self.delivery("http://127.0.0.1:\(port)/later")
            let id = try #require(try await test.database.run { try WebhookSender.enqueue(delivery, on: $0) })
            try await working([WorkQueue(test.database, [Self.sender(port).handler])]) {
                while try await test.database.run({ try WorkQueue.job(id, on: $0) })?.lastError == nil {
                    await Task.yield()
                }
                let url = "http://127.0.0.1:\(port)/take"
                try await test.database.run { connection in
                    _ = try connection.execute(
                        "UPDATE job SET run_at = now(), payload = jsonb_set(payload, '{url}', to_jsonb(\(url)::text))"
                    )
                }
                while try await Background.states(test.database) != [.done: 1] { await Task.yield() }
            }
        }
        #expect(receiver.requests.map(\.path) == ["/later", "/take"])
    }
}
