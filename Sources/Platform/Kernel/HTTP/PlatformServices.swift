public import FoundationEssentials
public import Hummingbird
public import Logging

/// What the request pipeline works with; all of it comes from the composition root.
public struct PlatformServices: Sendable {
    /// Shows a problem as a page.
    public typealias ErrorPresenter = @Sendable (Problem, Request, PlatformContext) async -> Response
    /// Answers for one actor, during one request, whether a flag is on.
    public typealias Flags = @Sendable (Actor) -> @Sendable (String) -> Bool

    /// The server's secret, at least 32 bytes, the same on all servers of one site: signs cursors and CSRF tokens.
    public var secret: [UInt8]
    /// Says whose a session or a token is.
    public var authenticator: any SessionAuthenticator
    /// Keeps answers for requests that are sent again.
    public var replays: any ReplayStore
    /// Counts.
    public var limiter: RateLimiter
    /// Says which flags are on.
    public var flags: Flags
    /// Shows a problem as a page.
    public var presentError: ErrorPresenter
    /// The site's own origin, as `https://video.example.org`, when it is known; otherwise Host says.
    public var publicOrigin: String?
    /// Whether the database has been opened: until then, what needs it is answered with 503.
    public var isReady: @Sendable () -> Bool
    /// The log.
    public var logger: Logger
    /// The clock.
    public var now: @Sendable () -> Date

    /// What the request pipeline works with.
    ///
    /// - Parameters:
    ///   - secret: signs cursors and CSRF tokens; at least 32 bytes.
    ///   - authenticator: says whose a session or a token is.
    ///   - replays: keeps answers for requests that are sent again.
    ///   - limiter: counts.
    ///   - flags: says which flags are on; none by default.
    ///   - presentError: shows a problem as a page; a plain one by default.
    ///   - publicOrigin: the site's own origin, when it is known.
    ///   - isReady: whether the database has been opened; always, by default.
    ///   - logger: the log.
    ///   - now: the clock.
    public init(
        secret: [UInt8],
        authenticator: any SessionAuthenticator,
        replays: any ReplayStore,
        limiter: RateLimiter,
        flags: @escaping Flags = { _ in { _ in false } },
        presentError: @escaping ErrorPresenter = PlainErrorPage.response,
        publicOrigin: String? = nil,
        isReady: @escaping @Sendable () -> Bool = { true },
        logger: Logger,
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        precondition(secret.count >= 32, "the secret is too short to sign with")
        self.secret = secret
        self.authenticator = authenticator
        self.replays = replays
        self.limiter = limiter
        self.flags = flags
        self.presentError = presentError
        self.publicOrigin = publicOrigin
        self.isReady = isReady
        self.logger = logger
        self.now = now
    }
}

/// The page of a problem where nothing nicer can be made: no style, no script, nothing that can fail.
public enum PlainErrorPage {
    /// The page.
    @Sendable public static func response(
        _ problem: Problem,
        to request: Request,
        _ context: PlatformContext
    ) -> Response {
        let title = escaped(problem.title)
        let detail = escaped(problem.detail ?? "")
        let page = """
            <!DOCTYPE html>
            <html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <title>\(title)</title><main><h1>\(title)</h1><p>\(detail)</p>
            <p>Request: <code>\(escaped(context.requestID))</code></p><p><a href="/">Start page</a></p></main></html>

            """
        var response = Response.text(page, contentType: "text/html", status: problem.status)
        for field in problem.headers { response.headers.append(field) }
        return response
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "&": result += "&amp;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
    }
}
