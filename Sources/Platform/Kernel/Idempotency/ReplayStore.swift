public import FoundationEssentials

/// The answer to a request that asked to run once only, as it is kept for the same request sent again.
public struct StoredAnswer: Sendable, Hashable {
    /// The status.
    public let status: Int
    /// The fields kept, in order, as name and value.
    public let headers: [[String]]
    /// The body.
    public let body: [UInt8]

    /// An answer.
    public init(status: Int, headers: [[String]], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// What to do with a request that carries an Idempotency-Key.
public enum ReplayStart: Sendable, Hashable {
    /// It is the first one: run it.
    case run
    /// The first one has not ended.
    case running
    /// The key was used for another request.
    case otherRequest
    /// The first one has ended like this.
    case replay(StoredAnswer)
}

/// Keeps which requests have begun and how they ended (Idempotency-Key, draft-ietf-httpapi-idempotency-key-header).
///
/// A row is inserted before the request runs: of two at the same time one finds the other's row. A server that dies in between
/// leaves the row as it is, and the same key is answered with 409 until the row expires: whether the work was done nobody can
/// say, and doing it twice is what the client asked to be spared.
public protocol ReplayStore: Sendable {
    /// Inserts the row, or says what is there.
    func begin(_ key: ReplayKey, requestSHA256: [UInt8], now: Date) async throws -> ReplayStart
    /// Keeps the answer.
    func finish(_ key: ReplayKey, _ answer: StoredAnswer) async throws
    /// Takes the row away: the request may be sent again and will run.
    func forget(_ key: ReplayKey) async throws
}

/// Whose key it is, and the key.
public struct ReplayKey: Sendable, Hashable {
    /// How long a key is remembered, in seconds.
    public static let lifetime = 86_400
    /// The account's public id: two people may use the same key.
    public let scope: String
    /// What the client sent.
    public let key: String

    /// A key of somebody.
    public init(scope: String, key: String) {
        self.scope = scope
        self.key = key
    }

    /// Reads the field: 1 to 255 visible characters of ASCII; `nil` for anything else.
    static func isKey(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }
}
