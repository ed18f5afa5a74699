import Foundation
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import Testing

@testable import Origin

/// An application whose pages say how they were asked for.
private final class Echo: WebApplication {
    /// How a test's stream comes to its end.
    let pieces: AsyncStream<String>
    let feed: AsyncStream<String>.Continuation
    /// Finishes when nobody reads the stream any more.
    let abandoned: AsyncStream<Void>
    private let abandon: AsyncStream<Void>.Continuation

    init() {
        (pieces, feed) = AsyncStream.makeStream()
        (abandoned, abandon) = AsyncStream.makeStream()
    }

    func largestBody(of head: HTTPRequestHead) -> Int? {
        if head.uri.hasPrefix("/elsewhere") { return nil }
        return head.method == .POST ? 100_000 : 0
    }

    func respond(to request: ApplicationRequest) async -> ApplicationResponse {
        if request.head.uri == "/events" {
            return ApplicationResponse(status: .ok, headers: [:], body: .stream(stream()))
        }
        if request.head.uri == "/broken" {
            let body = BodyStream { _ in throw CancellationError() }
            return ApplicationResponse(status: .ok, headers: [:], body: .stream(body))
        }
        let size = request.isBodyTooLarge ? "too large" : "\(request.body.readableBytes)"
        let text = "\(request.head.method) \(request.head.uri) \(size) \(request.peerAddress) \(request.isSecure)"
        return ApplicationResponse(
            status: .ok,
            headers: [
                "X-Good": "a", "X-Bad": "a\r\nSet-Cookie: b", "Bad Name": "c", "Content-Length": "7",
                "Set-Cookie": "s=1",
                "set-cookie": "t=2",
            ],
            body: .bytes(ByteBuffer(string: text))
        )
    }

    private func stream() -> BodyStream {
        BodyStream { [pieces, abandon] writer in
            do {
                for await piece in pieces { try await writer.write(ByteBuffer(string: piece)) }
                if Task.isCancelled { throw BodyStream.ReaderGone() }
            } catch {
                abandon.finish()
                throw error
            }
        }
    }
}

/// What is not for media goes to the application.
@Suite("Applications beside media", .timeLimit(.minutes(1)))
struct WebApplicationTests {
    private let application = Echo()
    private let fixture = Fixture()
    private let server: OriginServer
    private let address: SocketAddress

    init() async throws {
        var configuration = OriginConfiguration()
        (configuration.host, configuration.port) = ("127.0.0.1", 0)
        configuration.application = application
        server = OriginServer(
            configuration: configuration,
            store: fixture.store,
            group: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        address = try await server.start().http
    }

    private func connect() async throws -> LoopbackClient {
        try await LoopbackClient.connect(to: address, on: MultiThreadedEventLoopGroup.singleton)
    }

    private func head(_ method: String, _ target: String, _ fields: String = "") -> String {
        "\(method) \(target) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n"
    }

    @Test("media stays with the origin and the rest goes to the application, in order on one connection")
    func order() async throws {
        try fixture.goLive("main")
        let client = try await connect()
        try await client.send(
            head("GET", "/account?a=%C3%A4") + head("GET", "/live/main/media.m3u8")
                + head("POST", "/sign-in", "Content-Length: 3\r\n")
                + "a=b" + head("HEAD", "/") + head("GET", "/healthz") + head("GET", "/elsewhere")
        )
        let responses = try await client.responses(6, withoutBodies: [3])
        #expect(responses.map(\.status) == [200, 200, 200, 200, 200, 404])
        #expect(responses[0].text == "GET /account?a=%C3%A4 0 127.0.0.1 false")
        #expect(responses[1].text.hasPrefix("#EXTM3U"))
        #expect(responses[2].text == "POST /sign-in 3 127.0.0.1 false")
        #expect(responses[3]["Content-Length"] == "24")
        #expect(responses[4].text == "ok\n")
        try await client.close()
        await server.drain(within: .zero)
    }

    @Test("fields that would be more than one field are left out, and those of the origin are its own")
    func fields() async throws {
        let client = try await connect()
        try await client.send(head("GET", "/"))
        let text = try await client.received(until: "127.0.0.1 false")
        #expect(text.contains("X-Good: a\r\n") && text.contains("Set-Cookie: s=1\r\nset-cookie: t=2\r\n"))
        #expect(!text.contains("X-Bad") && !text.contains("Set-Cookie: b") && !text.contains("Bad Name"))
        #expect(text.components(separatedBy: "Content-Length").count == 2)
        try await client.close()
        await server.drain(within: .zero)
    }

    @Test("a body that is larger than the application takes is refused before it comes")
    func tooLarge() async throws {
        let client = try await connect()
        try await client.send(head("POST", "/sign-in", "Content-Length: 100001\r\n"))
        #expect(try await client.responses(1).map(\.status) == [413])
        let other = try await connect()
        try await other.send(
            head("POST", "/sign-in", "Content-Length: 100000\r\n") + String(repeating: "x", count: 100_000)
        )
        #expect(try await other.responses(1)[0].text == "POST /sign-in 100000 127.0.0.1 false")
        try await other.close()
        await server.drain(within: .zero)
    }

    @Test("a stream comes in chunks as it is written, and the connection goes on behind its end")
    func stream() async throws {
        let client = try await connect()
        try await client.send(head("GET", "/events") + head("GET", "/healthz"))
        application.feed.yield("data: 1\n\n")
        let first = try await client.received(until: "data: 1\n\n\r\n")
        #expect(first.contains("Transfer-Encoding: chunked\r\n") && first.hasSuffix("\r\n\r\n9\r\ndata: 1\n\n\r\n"))
        application.feed.yield("data: 2\n\n")
        _ = try await client.received(until: "data: 2\n\n\r\n")
        application.feed.finish()
        let all = try await client.received(until: "ok\n")
        #expect(all.contains("9\r\ndata: 2\n\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n"))
        try await client.close()
        await server.drain(within: .zero)
    }

    @Test("a client of HTTP/1.0 gets a stream without chunks and the connection ends behind it")
    func oldClient() async throws {
        let client = try await connect()
        try await client.send("GET /events HTTP/1.0\r\n\r\n")
        application.feed.yield("data: 1\n\n")
        application.feed.finish()
        let text = try await String(decoding: client.receivedAtEnd(), as: UTF8.self)
        #expect(text.hasSuffix("\r\n\r\ndata: 1\n\n") && !text.contains("Transfer-Encoding"))
        await server.drain(within: .zero)
    }

    @Test("who writes a stream learns that its reader is gone")
    func abandonment() async throws {
        let client = try await connect()
        try await client.send(head("GET", "/events"))
        application.feed.yield("data: 1\n\n")
        _ = try await client.received(until: "data: 1\n\n\r\n")
        try await client.close()
        for await _ in application.abandoned {}
        await server.drain(within: .zero)
    }

    @Test("a stream that breaks off before its first piece is an error of the server's")
    func broken() async throws {
        let client = try await connect()
        try await client.send(head("GET", "/broken"))
        #expect(try await client.responses(1)[0].status >= 500)
        try await client.close()
        await server.drain(within: .zero)
    }
}
