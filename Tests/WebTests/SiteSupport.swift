import FoundationEssentials
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

@testable import Kernel
@testable import Web

/// The pages behind the request pipeline, with two people and some endpoints that fail.
struct Site {
    let renderer: PageRenderer
    private let responder: PlatformResponder

    init() throws {
        let logger = Logger(label: "site") { _ in SwiftLogNoOpLogHandler() }
        let renderer = try PageRenderer(templates: [], logger: logger)
        let presenter = ErrorPresenter(renderer)
        let services = PlatformServices(
            secret: [UInt8](repeating: 7, count: 32),
            authenticator: People(),
            replays: NoReplays(),
            limiter: RateLimiter(shared: NoBuckets(), logger: logger),
            presentError: { presenter.response($0, request: $1, context: $2) },
            publicOrigin: "https://lyceum.example",
            logger: logger,
            now: { Date(timeIntervalSince1970: 1_800_000_000) }
        )
        self.renderer = renderer
        let table = try RouteTable(WebModule(renderer).endpoints + Self.endpoints(renderer))
        responder = PlatformResponder(table: table, services: services)
    }

    static let form = Form(
        "note",
        action: "/note",
        submit: "Save",
        inputs: [Input("title", "Title"), Input("secret", "Secret", .password)]
    )

    private static func endpoints(_ renderer: PageRenderer) -> [Endpoint] {
        [
            Endpoint(.get, "/", .page, "home", "Home", tag: "T", access: .everyone) { request, context in
                let page = HomePage(greeting: context.actor.account?.handle, lives: [])
                return try renderer.render("home", page, head: PageHead("Home"), request: request, context: context)
            },
            Endpoint(
                .get,
                "/fail/{status}",
                .page,
                "fail",
                "Fails",
                tag: "T",
                access: .everyone,
                parameters: [.path("status", .integer(400...599))]
            ) { _, context in
                throw Problem(.init(code: Int(try context.parameter("status")) ?? 500), headers: [.retryAfter: "125"])
            },
            Endpoint(.get, "/crash", .page, "crash", "Crashes", tag: "T", access: .everyone) { _, _ in
                throw Crash.inside("secret detail")
            },
            Endpoint(.get, "/admin", .page, "admin", "Admin", tag: "T", access: .role([.admin])) { _, _ in .noContent },
            Endpoint(
                .post,
                "/note",
                .page,
                "note",
                "Notes",
                tag: "T",
                access: .everyone,
                body: .form(.object([.required("title", .text(3...10)), .optional("secret", .text(0...40))]))
            ) { request, context in
                guard context.bodyErrors.isEmpty else {
                    let page = Notice("Again", form.again(context.bodyFields, context.bodyErrors).inputs[0].error ?? "")
                    return try renderer.render(
                        "notice",
                        page,
                        head: PageHead("Again"),
                        request: request,
                        context: context,
                        status: .unprocessableContent
                    )
                }
                return .seeOther(
                    "/",
                    saying: Flash(.success, "Saved “\(context.bodyFields["title"] ?? "")”."),
                    context
                )
            },
        ]
    }

    /// Sends a request as a browser would.
    func send(
        _ method: HTTPRequest.Method = .get,
        _ path: String,
        cookies: [String] = [],
        form: String? = nil
    ) async throws -> Answer {
        var fields: HTTPFields = [.origin: "https://lyceum.example"]
        if !cookies.isEmpty { fields[.cookie] = cookies.joined(separator: "; ") }
        if form != nil { fields[.contentType] = "application/x-www-form-urlencoded" }
        let head = HTTPRequest(
            method: method,
            scheme: "https",
            authority: "lyceum.example",
            path: path,
            headerFields: fields
        )
        let request = Request(head: head, body: RequestBody(buffer: ByteBuffer(string: form ?? "")))
        let response = await responder.respond(to: request, peerAddress: "192.0.2.1", isSecure: true)
        return Answer(
            response: response,
            text: String(decoding: try await response.body.collected(upTo: 1 << 22) ?? [], as: UTF8.self)
        )
    }

    /// Sends a form with the token of a page that was loaded before.
    func submit(_ path: String, _ form: String, cookies: [String] = []) async throws -> Answer {
        let page = try await send(.get, "/", cookies: cookies)
        let token = Markup(page.text).all("input").first { $0["name"] == "csrf" }?["value"] ?? ""
        let visitor = page.cookies.filter { $0.hasPrefix("__Host-csrf") }
        return try await send(.post, path, cookies: cookies + visitor, form: "csrf=\(token)&\(form)")
    }

    struct Answer {
        let response: Response
        let text: String

        var status: Int { response.status.code }
        /// The cookies that are set, as `name=value`.
        var cookies: [String] { response.headers[values: .setCookie].map { String($0.prefix { $0 != ";" }) } }
    }

    enum Crash: Error { case inside(String) }
}

private struct People: SessionAuthenticator {
    func actor(forSessionToken token: SecretToken, from trace: ClientTrace) async throws -> Authenticated? {
        guard token.text == "ada-session-token-0000000000000000" else { return nil }
        let account = AccountReference(id: 1, publicID: "acc_ada", handle: "ada")
        let session = SessionInfo(publicID: "ses_1", createdAt: trace.now, expiresAt: trace.now + 86_400)
        return .session(session, actor: Actor(account: account, grants: []))
    }

    func actor(forAPIToken token: SecretToken, from trace: ClientTrace) async throws -> Authenticated? { nil }
}

private struct NoBuckets: SharedBuckets {
    func take(_ limit: RateLimitClass, key: String, now: Date) async throws -> RateLimitVerdict {
        MemoryBuckets().take(limit, key: key, now: now)
    }
}

private struct NoReplays: ReplayStore {
    func begin(_ key: ReplayKey, requestSHA256: [UInt8], now: Date) async throws -> ReplayStart { .run }
    func finish(_ key: ReplayKey, _ answer: StoredAnswer) async throws {}
    func forget(_ key: ReplayKey) async throws {}
}
