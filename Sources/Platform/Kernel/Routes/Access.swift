/// Who may use an endpoint at all; what they may do with one object is ``can(_:_:_:)``'s to say.
public enum Access: Sendable, Hashable {
    /// Everybody, signed in or not.
    case everyone
    /// Who is not signed in: a page leads others to `/`.
    case visitor
    /// Who is signed in: a page leads others to `/sign-in`.
    case signedIn
    /// Who has one of these roles on the whole site; to others who are signed in there is no such page.
    case role(Set<Role>)
}

/// Whether an endpoint answers programs or people.
public enum EndpointKind: Sendable, Hashable {
    /// JSON; faults are `application/problem+json`.
    case api
    /// Pages and forms; faults are pages.
    case page
}

/// What an endpoint reads besides its body.
public struct Parameter: Sendable {
    /// Where it stands.
    public enum Location: String, Sendable, Hashable {
        case path
        case query
        case header
    }

    /// Its name.
    public let name: String
    /// Where it stands.
    public let location: Location
    /// The shape of its value.
    public let schema: Schema
    /// Whether it must be there; always so in the path.
    public let isRequired: Bool

    /// A part of the path, named in it as `{name}`.
    ///
    /// What does not have the shape is not found.
    public static func path(_ name: String, _ schema: Schema) -> Parameter {
        Parameter(name: name, location: .path, schema: schema, isRequired: true)
    }

    /// A field of the query.
    public static func query(_ name: String, _ schema: Schema, isRequired: Bool = false) -> Parameter {
        Parameter(name: name, location: .query, schema: schema, isRequired: isRequired)
    }

    /// `limit` and `cursor`, for lists; read them with ``PlatformContext/pageRequest(defaultLimit:)``.
    public static let paging: [Parameter] = [
        .query("limit", .integer(1...100).described("How many at most.")),
        .query("cursor", .text(0...512).described("The value of `next` of the page before.")),
    ]
}

/// The body an endpoint takes.
public enum EndpointBody: Sendable {
    /// JSON of this shape, for programs.
    case json(Schema)
    /// A form of this shape, for pages.
    case form(Schema)
    /// A form of this shape with a file, for pages (`multipart/form-data`): the file's input is named `file`, and it may have so
    /// many bytes. The handler reads ``PlatformContext/upload``, which is `nil` when no file was chosen.
    case upload(Schema, maximum: Int)
    /// Bytes of one of these types, as they come; the handler reads `request.body`.
    case bytes(contentTypes: [String], maximum: Int)

    /// The shape, where there is one.
    var schema: Schema? {
        switch self {
        case .json(let schema), .form(let schema), .upload(let schema, _): schema
        case .bytes: nil
        }
    }
}

/// One of the answers of an endpoint, for its description.
public struct EndpointResponse: Sendable {
    /// The status.
    public let status: Int
    /// When it is given.
    public let summary: String
    /// The content type; `nil` without a body.
    public let contentType: String?
    /// The shape of the JSON.
    public let schema: Schema?

    /// An answer.
    public init(_ status: Int, _ summary: String, contentType: String? = nil, schema: Schema? = nil) {
        self.status = status
        self.summary = summary
        self.contentType = contentType ?? (schema == nil ? nil : "application/json")
        self.schema = schema
    }

    /// 200 with JSON.
    public static func ok(_ schema: Schema, _ summary: String = "Done.") -> EndpointResponse {
        EndpointResponse(200, summary, schema: schema)
    }

    /// 201 with JSON, and Location.
    public static func created(_ schema: Schema, _ summary: String = "Made.") -> EndpointResponse {
        EndpointResponse(201, summary, schema: schema)
    }

    /// 204.
    public static let noContent = EndpointResponse(204, "Done.")
    /// 200 with a page.
    public static let page = EndpointResponse(200, "A page.", contentType: "text/html")
    /// 303 to a page.
    public static let seeOther = EndpointResponse(303, "Done; the page to go on with is in Location.")
    /// 200 with a stream of events.
    public static let events = EndpointResponse(200, "A stream of events.", contentType: "text/event-stream")

    /// Another answer that says what went wrong.
    public static func problem(_ status: Int, _ summary: String) -> EndpointResponse {
        EndpointResponse(status, summary, contentType: "application/problem+json")
    }
}
