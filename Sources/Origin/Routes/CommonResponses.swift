import MediaCore
import NIOHTTP1

extension Response {
    /// A short text that no cache keeps.
    static func plain(_ status: HTTPResponseStatus, _ text: String) -> Response {
        var fields = HeaderFields()
        fields.forbidStoring()
        fields.add("X-Content-Type-Options", "nosniff")
        return Response(status, .plain, text, fields)
    }

    /// A document of the API.
    ///
    /// Pages of other sites may read it.
    static func json(_ document: JSON) -> Response {
        var fields = HeaderFields()
        fields.forbidStoring()
        fields.allowEveryOrigin()
        return Response(.ok, .json, document.text + "\n", fields)
    }

    /// A document for operators: of this site only.
    static func operators(_ document: JSON) -> Response {
        var fields = HeaderFields()
        fields.forbidStoring()
        return Response(.ok, .json, document.text + "\n", fields)
    }

    /// An error of the operators' API (RFC 9457), with what else programs should know behind the members that all have.
    static func problem(
        _ status: HTTPResponseStatus,
        _ detail: String,
        _ fields: HeaderFields = HeaderFields(),
        _ more: [(name: String, value: JSON)] = []
    ) -> Response {
        var fields = fields
        fields.forbidStoring()
        return Response(status, .problem, Self.problem(status, detail, more).text + "\n", fields)
    }

    private static func problem(
        _ status: HTTPResponseStatus,
        _ detail: String,
        _ more: [(name: String, value: JSON)] = []
    ) -> JSON {
        let members: [(name: String, value: JSON)] = [
            ("type", .string("about:blank")), ("title", .string(status.reasonPhrase)),
            ("status", .number(Int(status.code))), ("detail", .string(detail)),
        ]
        return .object(members + more)
    }

    /// What is measured, as Prometheus reads it (text exposition format 0.0.4).
    static func metrics(_ text: String) -> Response {
        var fields = HeaderFields()
        fields.forbidStoring()
        return Response(.ok, .prometheus, text, fields)
    }

    /// An error in the form of its part of the site: problem details for the API (RFC 9457), a line of text elsewhere.
    static func failure(_ status: HTTPResponseStatus, _ detail: String, on surface: Route.Surface) -> Response {
        failure(status, detail, on: surface, HeaderFields())
    }

    /// What a CDN gets that asks for a viewer who may watch; it need not ask again at once.
    static var accessGranted: Response {
        var fields = HeaderFields()
        fields.add("Cache-Control", "max-age=10")
        fields.add("Vary", "X-Forwarded-For")
        return Response(.noContent, fields)
    }

    /// What a name without a playlist gets: the player may ask again.
    static var notLiveYet: Response {
        var fields = HeaderFields()
        // About as long as a live takes from its first packet to its first segment.
        fields.add("Retry-After", "2")
        return failure(.notFound, "Nothing is live here now.", on: .media, fields)
    }

    /// What a segment gets that is not there, or no longer.
    static var noSuchSegment: Response {
        failure(.notFound, "There is no such segment, or no longer.", on: .media)
    }

    /// What a segment on disk gets that cannot be read now; a player tries again.
    static var unreadable: Response {
        var fields = HeaderFields()
        fields.add("Retry-After", "1")
        return failure(.serviceUnavailable, "This cannot be read from the disk now.", on: .media, fields)
    }

    /// What a request gets that needs the disk while that has too much to do.
    static func busy(on surface: Route.Surface) -> Response {
        var fields = HeaderFields()
        fields.add("Retry-After", "1")
        return failure(.serviceUnavailable, "The disk has too much to do: try again.", on: surface, fields)
    }

    /// What a new viewer gets while the server has more to do than it can.
    ///
    /// The connection ends with it, so that who comes again may get another event loop, which has room.
    static var overloaded: Response {
        var response = later("The server is overloaded and takes no new viewers now.", seconds: 5, on: .media)
        response.isLast = true
        return response
    }

    /// What cannot be had now, but after so many seconds.
    static func later(_ detail: String, seconds: Int, on surface: Route.Surface) -> Response {
        var fields = HeaderFields()
        fields.add("Retry-After", String(seconds))
        return failure(.serviceUnavailable, detail, on: surface, fields)
    }

    /// The answer to a method that nothing here has (RFC 9110 §15.5.6).
    static func methodNotAllowed(_ route: Route) -> Response {
        var fields = HeaderFields()
        fields.add("Allow", route.methods)
        return failure(.methodNotAllowed, "This takes \(route.methods).", on: route.surface, fields)
    }

    /// The answer to a range that lies behind the end (RFC 9110 §15.5.17).
    static func rangeNotSatisfiable(length: Int) -> Response {
        var fields = HeaderFields()
        fields.add("Content-Range", "bytes */\(length)")
        return failure(.rangeNotSatisfiable, "The segment has \(length) bytes.", on: .media, fields)
    }

    /// The answer to OPTIONS, among them CORS preflights (Fetch §3.2.2).
    static func options(on surface: Route.Surface, methods: String = "GET, HEAD, OPTIONS") -> Response {
        var fields = HeaderFields()
        fields.add("Allow", methods)
        if surface == .media || surface == .api {
            fields.allowEveryOrigin()
            fields.add("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
            fields.add("Access-Control-Allow-Headers", "*")
            fields.add("Access-Control-Max-Age", "86400")
        }
        return Response(.noContent, fields)
    }

    /// Sends a client to the one spelling of a path.
    ///
    /// The path must be one of ours, not the peer's.
    static func moved(to path: String) -> Response {
        var fields = HeaderFields()
        fields.add("Location", path)
        fields.add("Cache-Control", "no-cache")
        return Response(.permanentRedirect, .plain, "This is at \(path)\n", fields)
    }

    private static func failure(
        _ status: HTTPResponseStatus,
        _ detail: String,
        on surface: Route.Surface,
        _ fields: HeaderFields
    ) -> Response {
        var fields = fields
        fields.forbidStoring()
        if surface == .media || surface == .api { fields.allowEveryOrigin() }
        guard surface == .api || surface == .operators else {
            fields.add("X-Content-Type-Options", "nosniff")
            return Response(status, .plain, detail + "\n", fields)
        }
        return Response(status, .problem, problem(status, detail).text + "\n", fields)
    }
}
