public import FoundationEssentials
public import Hummingbird
public import Logging

/// What a request begins with, before anything is known of who asks.
public struct PlatformRequestSource: RequestContextSource {
    /// The log, which every line about the request is written to.
    public let logger: Logger
    /// Names the request in the log, in answers and for people who report a fault.
    public let requestID: String
    /// The IP address of the client, as text.
    public let peerAddress: String
    /// Whether the client reached the server through TLS.
    public let isSecure: Bool
    /// When the request came.
    public let now: Date
    /// The nonce of this answer's Content-Security-Policy.
    public let nonce: String
    let cursors: CursorSigner
    let csrf: CSRFToken
}

/// All that is known of one request.
public struct PlatformContext: RequestContext {
    /// A context begins with what is known before who asks.
    public typealias Source = PlatformRequestSource

    /// Hummingbird's part: logger and path.
    public var coreContext: CoreRequestContextStorage
    /// Names the request in the log, in answers and for people who report a fault.
    public let requestID: String
    /// The IP address of the client, as text.
    public let peerAddress: String
    /// Whether the client reached the server through TLS.
    public let isSecure: Bool
    /// When the request came: the one `now` of all that happens for it.
    public let now: Date
    /// The nonce of this answer's Content-Security-Policy: `<script nonce="…">`.
    public let nonce: String
    /// Who asks.
    public internal(set) var actor: Actor = .visitor
    /// The session the request came with; `nil` for visitors and API tokens.
    public internal(set) var session: SessionInfo?
    /// The session's secret, which ends it or is kept when its other sessions end; `nil` without a session.
    public internal(set) var sessionToken: SecretToken?
    /// What answers; `nil` where nothing does.
    public internal(set) var endpoint: Endpoint?
    /// The steps of the path that vary, by name; their shape has been checked.
    public internal(set) var pathParameters: [String: String] = [:]
    /// The declared fields of the query; their shape has been checked.
    public internal(set) var query: JSONValue = .object([])
    /// The fields of a submitted form as they came, for putting them back into the form.
    public internal(set) var bodyFields = FormFields()
    /// What is wrong with a submitted form.
    ///
    /// The API's bodies never come this far with errors.
    public internal(set) var bodyErrors: [FieldError] = []
    /// The file that was sent with a form; `nil` when none was.
    public internal(set) var upload: Upload?
    /// The value of If-Match, when there is one.
    public internal(set) var ifMatch: EntityTagCondition?
    var recheck: @Sendable () async throws -> Bool = { true }
    var isFlagOn: @Sendable (String) -> Bool = { _ in false }
    var bodyValue: JSONValue = .object([])
    var tokenID: String?
    let cursors: CursorSigner
    let csrf: CSRFToken

    /// The context of a request that has just come.
    public init(source: PlatformRequestSource) {
        coreContext = CoreRequestContextStorage(source: source)
        requestID = source.requestID
        peerAddress = source.peerAddress
        isSecure = source.isSecure
        now = source.now
        nonce = source.nonce
        cursors = source.cursors
        csrf = source.csrf
    }

    /// The token that a form's field `csrf` carries back.
    ///
    /// For visitors reading it sets the cookie it belongs to.
    public var csrfToken: String { csrf.text }

    /// Whether who asks is still the same, with the same roles and scopes: for answers that go on for long, as streams of events,
    /// which end when a session or a role does (ASVS 8.3.2).
    ///
    /// - Returns: for visitors always true.
    /// - Throws: when nobody can say at the moment.
    public func isStillAuthenticated() async throws -> Bool { try await recheck() }

    /// The account that asks.
    ///
    /// - Throws: ``Problem`` 401 for visitors, which endpoints for signed-in people never see.
    public var account: AccountReference {
        get throws {
            guard let account = actor.account else { throw Problem(.unauthorized) }
            return account
        }
    }

    /// Whether a feature flag is on for who asks; the same for the whole request.
    public func isOn(_ flag: String) -> Bool { isFlagOn(flag) }

    /// A step of the path that varies.
    ///
    /// - Throws: ``Problem`` 404 when the path has no such step.
    public func parameter(_ name: String) throws -> String {
        guard let value = pathParameters[name] else { throw Problem.notFound }
        return value
    }

    /// The body, which has the shape the endpoint declares.
    ///
    /// - Throws: ``Problem`` 422 when it has not, which only forms come this far with.
    public func decodeBody<Value: Decodable>(_ type: Value.Type) throws -> Value {
        guard bodyErrors.isEmpty else { throw Problem.invalid(bodyErrors) }
        return try JSONCoding.decode(type, from: bodyValue)
    }

    /// The declared fields of the query.
    ///
    /// - Throws: `DecodingError` when type and declaration do not belong together.
    public func decodeQuery<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try JSONCoding.decode(type, from: query)
    }
}
