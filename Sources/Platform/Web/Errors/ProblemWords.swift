internal import HTTPTypes
internal import Hummingbird
internal import Kernel

/// What a problem is called on a page.
struct ProblemWords: Equatable {
    let title: String
    let text: String
    let complaints: [String]
    let action: Link?
    let showsReference: Bool

    /// The words for a problem.
    ///
    /// 403 and 404 read alike: what one may not see looks like what is not there.
    ///
    /// - Parameters:
    ///   - problem: the problem.
    ///   - path: the path and the query that were asked for.
    init(_ problem: Problem, path: String) {
        let home = Link("To the first page", "/")
        let again = Link("Try again", LocalPath(path)?.text ?? "/")
        complaints = problem.errors.map { "\($0.field) \($0.detail)" }
        showsReference = problem.status.code >= 500
        switch problem.status.code {
        case 401:
            title = "Please sign in"
            text = "This page is for people who are signed in."
            action = Link("Sign in", "/sign-in?next=\(Self.escaped(path))")
        case 403, 404, 410:
            title = problem.status.code == 410 ? "This is gone" : "There is nothing here"
            text =
                problem.status.code == 410
                ? "It was here, but has been deleted or has run out."
                : "There is no such page, or it is not for everybody. The address may be mistyped."
            action = home
        case 409, 412, 428:
            title = "This has changed in the meantime"
            text = problem.detail ?? "Somebody else was faster. Look at the newer state, then decide again."
            action = Link("Look at the newer state", LocalPath(path)?.text ?? "/")
        case 413:
            title = "This is too much"
            text = problem.detail ?? "What was sent is larger than the server takes."
            action = again
        case 422:
            title = "Some of this cannot be accepted"
            text = problem.detail ?? "Go back and look at these again."
            action = again
        case 429:
            title = "Too many requests"
            text = "That was a lot in a short time. Try again \(Self.wait(problem.headers[.retryAfter]))."
            action = nil
        case 503:
            title = "Not available at the moment"
            text = "Accounts cannot be reached just now. What is live goes on. Try again in a moment."
            action = again
        case 500...:
            title = "Something went wrong"
            text = "The fault is the server's. It has been written down."
            action = again
        default:
            title = problem.status.code == 405 ? "This cannot be done here" : "This was not understood"
            text = problem.detail ?? "The request was not one this page knows."
            action = home
        }
    }

    /// How long to wait, in words, of a Retry-After in seconds (RFC 9110 §10.2.3).
    private static func wait(_ retryAfter: String?) -> String {
        guard let seconds = retryAfter.flatMap(Int.init), seconds > 0 else { return "in a while" }
        let minutes = (seconds + 59) / 60
        if seconds < 90 { return seconds == 1 ? "in a second" : "in \(seconds) seconds" }
        return minutes < 90 ? "in \(minutes) minutes" : "in \((minutes + 59) / 60) hours"
    }

    /// A path as the value of a query's field (RFC 3986 §2.1).
    private static func escaped(_ path: String) -> String {
        var escaped = ""
        for byte in path.utf8 {
            let isPlain =
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                    UInt8(ascii: "/"):
                    true
                default: false
                }
            if isPlain {
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                escaped +=
                    "%" + String(byte >> 4, radix: 16, uppercase: true) + String(byte & 15, radix: 16, uppercase: true)
            }
        }
        return escaped
    }
}
