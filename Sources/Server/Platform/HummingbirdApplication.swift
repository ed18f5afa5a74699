import HTTPTypes
import Hummingbird
import Kernel
import NIOCore
import NIOHTTP1
import Origin

/// Carries requests from the origin's connections to the platform, and its answers back.
struct HummingbirdApplication: WebApplication {
    /// How large a body is taken everywhere, in bytes.
    private static let smallestLimit = 16 << 10

    let platform: PlatformResponder
    /// Whose word on the client's address and on TLS is taken.
    let proxies: TrustedProxies

    func largestBody(of head: HTTPRequestHead) -> Int? {
        guard let method = HTTPRequest.Method(rawValue: head.method.rawValue), platform.takes(path: head.uri) else {
            return nil
        }
        // Also where no body belongs, so that the platform says in its own form what is wrong.
        return max(Self.smallestLimit, platform.maximumBodySize(method: method, path: head.uri))
    }

    func respond(to request: ApplicationRequest) async -> ApplicationResponse {
        let headers = request.head.headers
        let isProxied = proxies.contains(request.peerAddress)
        let isSecure = request.isSecure || (isProxied && headers.first(name: "x-forwarded-proto") == "https")
        guard let head = Self.head(request.head, isSecure: isSecure) else {
            return ApplicationResponse(status: .badRequest, headers: [:], body: .bytes(ByteBuffer()))
        }
        let response = await platform.respond(
            to: Request(head: head, body: RequestBody(buffer: request.body)),
            peerAddress: proxies.client(of: request.peerAddress, forwarded: headers["x-forwarded-for"]),
            isSecure: isSecure
        )
        return await Self.answer(response)
    }

    /// The head in the terms of HTTPTypes; `nil` when it has none there.
    private static func head(_ head: HTTPRequestHead, isSecure: Bool) -> HTTPRequest? {
        guard let method = HTTPRequest.Method(rawValue: head.method.rawValue) else { return nil }
        var fields = HTTPFields()
        for (name, value) in head.headers {
            // Host has its place in the head.
            guard name.lowercased() != "host", let name = HTTPField.Name(name) else { continue }
            fields.append(HTTPField(name: name, value: value))
        }
        return HTTPRequest(
            method: method,
            scheme: isSecure ? "https" : "http",
            authority: head.headers.first(name: "host"),
            path: head.uri,
            headerFields: fields
        )
    }

    private static func answer(_ response: Hummingbird.Response) async -> ApplicationResponse {
        var headers = HTTPHeaders()
        for field in response.headers { headers.add(name: field.name.rawName, value: field.value) }
        let status = HTTPResponseStatus(statusCode: response.status.code, reasonPhrase: response.status.reasonPhrase)
        guard response.body.contentLength != nil else {
            let body = response.body
            let stream = BodyStream { writer in try await body.write(StreamWriter(writer: writer)) }
            return ApplicationResponse(status: status, headers: headers, body: .stream(stream))
        }
        let collector = Collector()
        // A collector takes everything.
        try? await response.body.write(collector)
        return ApplicationResponse(status: status, headers: headers, body: .bytes(collector.bytes))
    }

    /// Keeps a body that is complete.
    private final class Collector: ResponseBodyWriter, @unchecked Sendable {
        // Only the one task that writes the body touches it, and only until that is written.
        private(set) var bytes = ByteBuffer()

        func write(_ buffer: ByteBuffer) async throws { bytes.writeImmutableBuffer(buffer) }

        consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }

    /// Hands the pieces of a body on as they come.
    private struct StreamWriter: ResponseBodyWriter {
        let writer: BodyStream.Writer

        mutating func write(_ buffer: ByteBuffer) async throws { try await writer.write(buffer) }

        consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }
}
