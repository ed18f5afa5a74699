import NIOCore
import NIOEmbedded
import NIOHPACK
import NIOHTTP1
import NIOHTTP2
import Testing

@testable import Origin

/// Requests with a body, over HTTP/1.1: on a clock that the test moves.
@Suite("Request bodies")
struct RequestBodyTests {
    private let recorded: Recorded
    private let channel = EmbeddedChannel()
    // There is none of this name: what is decided without the disk is answered at once.
    private let target = "/api/v1/recordings/zzzzzzzzzzzzzzzzzzzz"

    init() throws {
        recorded = try Recorded()
        let handlers = recorded.answering(recorded.router()).handlers(now: channel.eventLoop.now, sendsRegions: true)
        try channel.pipeline.syncOperations.addHandlers(handlers)
        try channel.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 1)).wait()
    }

    private func patch(_ fields: String, token: String = Recorded.token) -> String {
        "PATCH \(target) HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\n"
            + "Content-Type: application/json\r\n\(fields)\r\n"
    }

    private func send(_ text: String) throws { try channel.writeInbound(ByteBuffer(string: text)) }

    private func receivedText() throws -> String {
        var text = ""
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: buffer) }
        return text
    }

    private func received() throws -> [WireResponse] { WireResponse.all(in: Array(try receivedText().utf8)) }

    private let health = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test(
        "bodies in every framing and any pieces are taken, and requests behind them keep their order",
        arguments: [1, 3, 9000]
    )
    func framings(size: Int) throws {
        let (right, wrong) = (#"{"kept":true}"#, #"{"kept":1}"#)
        let requests =
            patch("Content-Length: \(right.utf8.count)\r\n") + right + health
            + patch("Transfer-Encoding: chunked\r\n") + "4\r\n{\"ke\r\n6\r\npt\":1}\r\n0\r\n\r\n" + health
            + patch("Content-Length: \(wrong.utf8.count)\r\n") + wrong + patch("Content-Length: 0\r\n") + health
        let bytes = Array(requests.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            try channel.writeInbound(ByteBuffer(bytes: bytes[start..<min(start + size, bytes.count)]))
        }
        let responses = try received()
        #expect(responses.map(\.status) == [404, 200, 422, 200, 422, 400, 200])
        #expect(responses[2].text.contains(##""errors":[{"detail":"expected true or false","pointer":"#/kept"}]"##))
        #expect(channel.isActive)
    }

    @Test(
        "a body that nobody may send, or that is too large, is refused before it comes, and the connection ends",
        arguments: [
            ("PATCH", "/api/v1/recordings/zzzzzzzzzzzzzzzzzzzz", "wrong", 10, 401),
            ("PATCH", "/api/v1/recordings/zzzzzzzzzzzzzzzzzzzz", Recorded.token, 65_537, 413),
            ("GET", "/api/v1/recordings/zzzzzzzzzzzzzzzzzzzz", Recorded.token, 10, 413),
            ("DELETE", "/api/v1/recordings/zzzzzzzzzzzzzzzzzzzz", Recorded.token, 10, 413),
            ("PATCH", "/healthz", Recorded.token, 10, 413), ("POST", "/", Recorded.token, 10, 413),
        ]
    )
    func refused(method: String, target: String, token: String, length: Int, status: Int) throws {
        let head = "\(method) \(target) HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\n"
        try send(head + "Expect: 100-continue\r\nContent-Length: \(length)\r\n\r\n")
        try? send(#"{"kept":1}"# + health)
        let responses = try received()
        #expect(responses.map(\.status) == [status])
        #expect(responses.first?["Connection"] == "close")
        channel.embeddedEventLoop.advanceTime(by: .seconds(2))
        #expect(!channel.isActive)
    }

    @Test("a body in chunks is refused with its first byte too many")
    func tooManyChunks() throws {
        try send(patch("Transfer-Encoding: chunked\r\n"))
        let chunk = "8000\r\n" + String(repeating: " ", count: 0x8000) + "\r\n"
        try send(chunk + chunk)
        #expect(try received().isEmpty)
        try send("1\r\n \r\n")
        #expect(try received().map(\.status) == [413])
    }

    @Test("a client that waits for a word gets it when everything before was answered")
    func expectation() throws {
        try send(patch("Expect: 100-Continue\r\nContent-Length: 2\r\n"))
        #expect(try receivedText() == "HTTP/1.1 100 Continue\r\n\r\n")
        try send("{}")
        #expect(try received().map(\.status) == [404])
        // One that has sent its body already needs no word.
        try send(patch("Content-Length: 2\r\n") + "{}")
        #expect(try received().map(\.status) == [404])
    }

    @Test(
        "a body that does not come in the time for a head is answered with 408",
        arguments: ["", "Expect: 100-continue\r\n"]
    )
    func slow(expectation: String) throws {
        try send(patch("\(expectation)Content-Length: 20\r\n"))
        _ = try receivedText()
        channel.embeddedEventLoop.advanceTime(by: .seconds(9))
        try send("{")
        #expect(try received().isEmpty)
        channel.embeddedEventLoop.advanceTime(by: .seconds(4))
        #expect(try received().map(\.status) == [408])
        channel.embeddedEventLoop.advanceTime(by: .seconds(2))
        #expect(!channel.isActive)
    }

    @Test(
        "what is no JSON object of these members is refused with the place or the name",
        arguments: [
            ("", 400, "expected a value at byte 0"), ("{\"kept\":true,}", 400, "at byte 13"),
            ("[]", 400, "no JSON object"),
            ("{\"kept\":true,\"kept\":false}", 400, "stands twice"), ("{\"kept\":null}", 422, "#/kept"),
            ("{\"title\":\"\"}", 422, "at least one character"),
            ("{\"title\":\" \\t \"}", 422, "at least one character"),
            ("{\"title\":\"a\\u0007b\"}", 422, "control characters"), ("{\"title\":\"a\\u202eb\"}", 422, "control"),
            ("{\"title\":7}", 422, "expected a string"), ("{\"owner\":\"x\"}", 422, "#/owner"),
            ("{\"a/b~\":1}", 422, "#/a~1b~0"),
            ("{\"title\":\"\(String(repeating: "é", count: 201))\"}", 422, "found 201"),
        ]
    )
    func wrongDocuments(body: String, status: Int, words: String) throws {
        try send(patch("Content-Length: \(body.utf8.count)\r\n") + body)
        let response = try #require(try received().first)
        #expect(response.status == status)
        #expect(response["Content-Type"] == "application/problem+json")
        #expect(response.text.contains(words), "\(response.text)")
    }

    @Test("a body that says it is something else, or nothing, is refused")
    func mediaType() throws {
        for type in ["", "Content-Type: application/x-www-form-urlencoded\r\n", "Content-Type: application/jsonx\r\n"] {
            try send(
                "PATCH \(target) HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(Recorded.token)\r\n\(type)"
                    + "Content-Length: 2\r\n\r\n{}"
            )
            #expect(try received().map(\.status) == [415])
        }
        try send(
            "PATCH \(target) HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(Recorded.token)\r\n"
                + "Content-Type: Application/JSON; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}"
        )
        #expect(try received().map(\.status) == [404])
    }
}

/// Requests with a body on a stream of HTTP/2.
@Suite("Request bodies over HTTP/2")
struct HTTP2RequestBodyTests {
    private let recorded: Recorded
    private let loop = EmbeddedEventLoop()

    init() throws { recorded = try Recorded() }

    /// Sends a PATCH with a body in pieces, and says what came back: the statuses, and the text of the last one.
    private func patch(
        _ pieces: [String],
        token: String = Recorded.token,
        _ more: (String, String)...
    ) throws -> (statuses: [String], text: String) {
        let handler = HTTP2RequestHandler(recorded.answering(recorded.router()))
        let channel = EmbeddedChannel(handler: handler, loop: loop)
        try channel.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 443)).wait()
        let fields: [(String, String)] = [
            (":method", "PATCH"), (":scheme", "https"), (":authority", "a"),
            (":path", "/api/v1/recordings/zzzzzzzzzzzzzzzzzzzz"), ("authorization", "Bearer \(token)"),
            ("content-type", "application/json"),
        ]
        try channel.writeInbound(
            HTTP2Frame.FramePayload.headers(.init(headers: HPACKHeaders(fields + more), endStream: pieces.isEmpty))
        )
        for (number, piece) in pieces.enumerated() {
            let data = HTTP2Frame.FramePayload.Data(
                data: .byteBuffer(ByteBuffer(string: piece)),
                endStream: number == pieces.count - 1
            )
            try channel.writeInbound(HTTP2Frame.FramePayload.data(data))
        }
        loop.advanceTime(by: .seconds(11))
        var (statuses, text): ([String], String) = ([], "")
        while let payload = try channel.readOutbound(as: HTTP2Frame.FramePayload.self) {
            if case .headers(let head) = payload { statuses += head.headers[":status"] }
            if case .data(let data) = payload, case .byteBuffer(let bytes) = data.data { text += String(buffer: bytes) }
        }
        return (statuses, text)
    }

    @Test("a body is taken in pieces, and only where it may come")
    func bodies() throws {
        #expect(try patch(["{\"ke", "pt\":", "true}"]).statuses == ["404"])
        #expect(try patch(["{\"kept\":", "1}"]).text.contains("#/kept"))
        #expect(try patch(["{}", ""]).statuses == ["404"])
        #expect(try patch([]).statuses == ["400"], "an empty body is no JSON")
        #expect(try patch(["{}"], token: "wrong").statuses == ["401"])
        let piece = String(repeating: " ", count: 40_000)
        #expect(try patch([piece, piece]).statuses == ["413"])
        #expect(try patch(["{}"], ("content-length", "70000")).statuses == ["413"])
        #expect(try patch(["{}"], ("expect", "100-continue")).statuses == ["100", "404"])
    }
}
