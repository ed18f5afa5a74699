import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Postgres
import Synchronization
import Testing

@testable import Accounts
@testable import Kernel

/// An answer, read whole.
struct Answer: Sendable {
    let status: HTTPResponse.Status
    let headers: HTTPFields
    let body: [UInt8]
    /// The statements it took.
    let statements: [String]

    var text: String { String(decoding: body, as: UTF8.self) }
    var setCookies: [String] { headers[values: .setCookie] }
    var json: [String: Any] { ((try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any]) ?? [:] }
    var code: String? { json["code"] as? String }
    var pointers: [String] { (json["errors"] as? [[String: Any]] ?? []).compactMap { $0["pointer"] as? String } }

    func string(_ name: String) -> String { json[name] as? String ?? "" }
}

/// A client with cookies, as browsers have them.
final class Browser: Sendable {
    private struct State {
        var cookies: [String: String] = [:]
        var csrf: String?
    }

    private let site: TestSite
    private let state = Mutex(State())
    let peer: String

    init(_ site: TestSite, peer: String = "192.0.2.7") {
        self.site = site
        self.peer = peer
    }

    var session: String? { cookie("__Host-sid") }

    func cookie(_ name: String) -> String? { state.withLock { $0.cookies[name] } }

    func setCookie(_ name: String, _ value: String?) {
        state.withLock {
            $0.cookies[name] = value
            if name == "__Host-sid" { $0.csrf = nil }
        }
    }

    /// Asks for something as it is told to, with the cookies there are.
    func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        headers: HTTPFields = [:],
        body: [UInt8] = []
    ) async throws -> Answer {
        var head = HTTPRequest(method: method, scheme: "https", authority: "lyceum.example", path: path)
        head.headerFields = headers
        let cookies = state.withLock { $0.cookies.map { "\($0)=\($1)" }.sorted().joined(separator: "; ") }
        if !cookies.isEmpty { head.headerFields[.cookie] = cookies }
        let request = Request(head: head, body: RequestBody(buffer: ByteBuffer(bytes: body)))
        let counter = StatementCounter()
        let response = await StatementCounter.$current.withValue(counter) {
            await site.responder.respond(to: request, peerAddress: peer, isSecure: true)
        }
        let writer = Collector()
        try await response.body.write(writer)
        keep(response.headers[values: .setCookie])
        let answer = Answer(
            status: response.status,
            headers: response.headers,
            body: writer.bytes.value ?? [],
            statements: counter.texts
        )
        check(answer, method, path)
        return answer
    }

    /// Whatever a test is about, an answer is one that its endpoint describes, and takes no more statements than it says.
    private func check(_ answer: Answer, _ method: HTTPRequest.Method, _ path: String) {
        guard let endpoint = site.table.resource(at: path)?.endpoint(for: method) else { return }
        let statements = answer.statements
        #expect(
            statements.count <= endpoint.statementBudget,
            "\(method) \(path) took \(statements.count): \(statements)"
        )
        guard endpoint.kind == .api, answer.status.code < 300 else { return }
        let described = endpoint.responses.first { $0.status == answer.status.code }
        #expect(described != nil, "\(method) \(path) answers \(answer.status) undescribed")
        guard let schema = described?.schema else { return }
        do {
            #expect(schema.errors(in: try JSONParser.parse(answer.body)) == [], "\(method) \(path)")
        } catch {
            Issue.record(error, "\(method) \(path) answers no JSON")
        }
    }

    private func keep(_ cookies: [String]) {
        for cookie in cookies {
            let pair = cookie.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            setCookie(String(pair[0]), pair[1].isEmpty ? nil : String(pair[1]))
        }
    }

    /// Asks the API, as a script of our own page does.
    func api(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ json: Any? = nil,
        headers: HTTPFields = [:]
    ) async throws -> Answer {
        var fields = headers
        if json != nil, fields[.contentType] == nil { fields[.contentType] = "application/json" }
        if method != .get, session != nil, fields[.authorization] == nil {
            fields[.origin] = TestSite.origin
            if let name = HTTPField.Name("X-CSRF-Token") { fields[name] = try await csrf() }
        }
        let body = try json.map { Array(try JSONSerialization.data(withJSONObject: $0)) } ?? []
        return try await send(method, "/api/v1\(path)", headers: fields, body: body)
    }

    /// The session's CSRF token.
    func csrf() async throws -> String {
        if let token = state.withLock({ $0.csrf }) { return token }
        let token = try await send(.get, "/api/v1/me/session").string("csrf_token")
        state.withLock { $0.csrf = token }
        return token
    }

    func signIn(_ handle: String, password: String = TestSite.password) async throws -> Answer {
        try await api(.post, "/sessions", ["email": "\(handle)@example.org", "password": password])
    }

    /// Sends a form of a page, with the token that the page has.
    func submit(_ page: String, to path: String, _ fields: [(String, String)]) async throws -> Answer {
        let shown = try await send(.get, page)
        let token = shown.text.firstMatch(of: /name="csrf" value="([^"]+)"/)?.1
        return try await post(path, fields + [("csrf", String(token ?? ""))])
    }

    func post(_ path: String, _ fields: [(String, String)], origin: String? = TestSite.origin) async throws -> Answer {
        let body = fields.map { "\(Self.encoded($0.0))=\(Self.encoded($0.1))" }.joined(separator: "&")
        var headers: HTTPFields = [.contentType: "application/x-www-form-urlencoded"]
        headers[.origin] = origin
        return try await send(.post, path, headers: headers, body: Array(body.utf8))
    }

    private static func encoded(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    }
}

/// Takes a body.
private struct Collector: ResponseBodyWriter {
    let bytes = Box<[UInt8]>()

    mutating func write(_ buffer: ByteBuffer) async throws {
        bytes.value = (bytes.value ?? []) + Array(buffer.readableBytesView)
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
