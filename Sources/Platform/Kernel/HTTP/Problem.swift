public import HTTPTypes
public import Hummingbird

/// One thing wrong with what a client sent.
public struct FieldError: Sendable, Hashable {
    /// Where it is: a JSON pointer into the body (RFC 6901), as `/email`, or the name of a query parameter or header.
    public enum Place: Sendable, Hashable {
        case pointer(String)
        case parameter(String)
    }

    /// Where it is.
    public let place: Place
    /// A fixed word for programs, as `too_short`.
    public let code: String
    /// What is wrong, as the end of a sentence about the field: "is required", "must have at least 8 characters".
    public let detail: String

    /// Something wrong in the body.
    public init(pointer: String, code: String, detail: String) {
        self.init(place: .pointer(pointer), code: code, detail: detail)
    }

    /// Something wrong in the query or a header.
    public init(parameter: String, code: String, detail: String) {
        self.init(place: .parameter(parameter), code: code, detail: detail)
    }

    init(place: Place, code: String, detail: String) {
        self.place = place
        self.code = code
        self.detail = detail
    }

    /// The name of the form field: the first step of the pointer, unescaped.
    public var field: String {
        switch place {
        case .parameter(let name): name
        case .pointer(let pointer):
            JSONPointer.unescaped(pointer.dropFirst().prefix { $0 != "/" })
        }
    }
}

/// An answer that is not what was asked for: a problem of RFC 9457, or a page that says the same.
///
/// ```swift
/// throw Problem.notFound
/// throw Problem(.conflict, code: "handle_taken", detail: "This handle belongs to somebody else.")
/// throw Problem.invalid([FieldError(pointer: "/email", code: "taken", detail: "is already in use")])
/// ```
public struct Problem: Error, Sendable {
    /// The status of the answer.
    public var status: HTTPResponse.Status
    /// A fixed word for programs.
    public var code: String
    /// What kind of problem it is, for people; the same for every occurrence.
    public var title: String
    /// What is wrong this time, for people; never a secret and never another account's data.
    public var detail: String?
    /// Everything wrong with what was sent.
    public var errors: [FieldError]
    /// Fields of the answer, as Retry-After.
    public var headers: HTTPFields

    /// A problem.
    ///
    /// - Parameters:
    ///   - status: the status of the answer.
    ///   - code: a fixed word for programs; the status's own by default.
    ///   - title: what kind of problem it is; the status's reason by default.
    ///   - detail: what is wrong this time.
    ///   - errors: everything wrong with what was sent.
    ///   - headers: fields of the answer.
    public init(
        _ status: HTTPResponse.Status,
        code: String? = nil,
        title: String? = nil,
        detail: String? = nil,
        errors: [FieldError] = [],
        headers: HTTPFields = [:]
    ) {
        self.status = status
        let reason = status.reasonPhrase.isEmpty ? "Status \(status.code)" : status.reasonPhrase
        self.code = code ?? String(reason.lowercased().map { $0.isLetter || $0.isNumber ? $0 : "_" })
        self.title = title ?? reason
        self.detail = detail
        self.errors = errors
        self.headers = headers
    }

    /// There is no such thing, or one may not know of it.
    public static let notFound = Problem(.notFound, detail: "There is nothing here.")
    /// One may know of it, but not do that.
    public static let forbidden = Problem(.forbidden, detail: "You may not do this.")

    /// What is needed for it is not there at the moment.
    static let unavailable = Problem(
        .serviceUnavailable,
        code: "unavailable",
        detail: "This does not work at the moment: try again soon.",
        headers: [.retryAfter: "5"]
    )

    /// What was sent is well-formed, but not acceptable.
    public static func invalid(_ errors: [FieldError]) -> Problem {
        Problem(
            .unprocessableContent,
            code: "invalid",
            title: "Some values are not acceptable",
            detail: "What is wrong with each of them is said in its place.",
            errors: errors
        )
    }

    /// What was sent cannot be read.
    public static func malformed(_ detail: String) -> Problem {
        Problem(.badRequest, code: "malformed", detail: detail)
    }
}

extension Problem {
    /// The body of `application/problem+json` (RFC 9457 §3.1), members in the order of the RFC, ours after them.
    func json(requestID: String, instance: String?) -> JSONValue {
        var members: [JSONMember] = [
            JSONMember("type", .string("urn:lyceum:problem:\(code)")), JSONMember("title", .string(title)),
            JSONMember("status", .integer(Int64(status.code))),
        ]
        if let detail { members.append(JSONMember("detail", .string(detail))) }
        if let instance { members.append(JSONMember("instance", .string(instance))) }
        members.append(JSONMember("code", .string(code)))
        if !errors.isEmpty { members.append(JSONMember("errors", .array(errors.map(\.json)))) }
        members.append(JSONMember("request_id", .string(requestID)))
        return .object(members)
    }
}

extension FieldError {
    fileprivate var json: JSONValue {
        let place: JSONMember =
            switch self.place {
            case .pointer(let pointer): JSONMember("pointer", .string(pointer))
            case .parameter(let name): JSONMember("parameter", .string(name))
            }
        return .object([place, JSONMember("code", .string(code)), JSONMember("detail", .string(detail))])
    }
}

extension Problem: ResponseGenerator {
    /// The problem as `application/problem+json`.
    public func response(from request: Request, context: some RequestContext) -> Response {
        let requestID = (context as? PlatformContext)?.requestID ?? ""
        var response = Response(
            status: status,
            headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: json(requestID: requestID, instance: nil).bytes))
        )
        response.headers[.contentType] = "application/problem+json; charset=utf-8"
        return response
    }
}
