import Cryptography
public import MediaCore
import NIOHTTP1

/// What operators may see and do over HTTP, and the token that tells them from everybody else.
public struct OperatorAPI: Sendable {
    private let token: [UInt8]
    let directory: any PublishDirectory
    let restreams: any RestreamDirectory
    /// Long work; `nil` where there is none.
    public var jobs: (any JobDirectory)?
    /// Who takes files that are to become recordings; `nil` where nobody does.
    public var imports: (any ImportDesk)?

    /// The API behind a token.
    ///
    /// - Parameters:
    ///   - token: what stands behind `Bearer` in the header field Authorization (RFC 6750 §2.1); not empty.
    ///   - directory: who publishes.
    ///   - restreams: what is pushed to other servers.
    public init(token: Secret, directory: any PublishDirectory, restreams: any RestreamDirectory) {
        self.token = Array(token.revealed.utf8)
        self.directory = directory
        self.restreams = restreams
    }

    /// Answers whoever shows the token.
    func guarded(_ headers: HTTPHeaders, _ respond: () -> Response) -> Response {
        isAuthorized(headers) ? respond() : Self.unauthorized
    }

    /// Answers whoever shows the token, perhaps later.
    func guarded(_ headers: HTTPHeaders, _ reply: () -> Router.Reply) -> Router.Reply {
        isAuthorized(headers) ? reply() : .response(Self.unauthorized)
    }

    /// What everybody else gets.
    static var unauthorized: Response {
        var fields = HeaderFields()
        fields.add("WWW-Authenticate", "Bearer realm=\"lyceum operators\"")
        return .problem(.unauthorized, "This needs the operator token: Authorization: Bearer TOKEN.", fields)
    }

    /// Whether a request shows the token.
    ///
    /// A wrong token takes as long to refuse as a nearly right one.
    func isAuthorized(_ headers: HTTPHeaders) -> Bool {
        let values = headers["authorization"]
        guard values.count == 1, values[0].utf8.count > 7, values[0].prefix(7).lowercased() == "bearer " else {
            return false
        }
        return ConstantTime.isEqual(token, Array(values[0].utf8.dropFirst(7)))
    }
}
