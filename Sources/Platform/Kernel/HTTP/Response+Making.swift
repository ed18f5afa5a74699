public import HTTPTypes
public import Hummingbird

extension Response {
    /// JSON.
    ///
    /// - Parameters:
    ///   - value: becomes the body.
    ///   - status: 200 unless given.
    ///   - headers: fields of the answer.
    ///   - entityTag: the version of the object; without one a GET's tag is made from the body.
    /// - Returns: the answer.
    /// - Throws: `EncodingError` for what JSON cannot say.
    public static func json(
        _ value: some Encodable,
        status: HTTPResponse.Status = .ok,
        headers: HTTPFields = [:],
        entityTag: EntityTag? = nil
    ) throws -> Response {
        var headers = headers
        headers[.contentType] = "application/json; charset=utf-8"
        if let entityTag { headers[.eTag] = entityTag.text }
        let body = ByteBuffer(bytes: try JSONCoding.bytes(value))
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: body))
    }

    /// 201 with the new object and where it is.
    public static func created(
        _ value: some Encodable,
        at location: String,
        entityTag: EntityTag? = nil
    ) throws -> Response {
        try .json(value, status: .created, headers: [.location: location], entityTag: entityTag)
    }

    /// 202: work that goes on; `location` tells how far it is.
    public static func accepted(_ value: some Encodable, at location: String) throws -> Response {
        try .json(value, status: .accepted, headers: [.location: location])
    }

    /// 204.
    public static var noContent: Response { Response(status: .noContent) }

    /// 303 to a page of ours, to be read with GET; addresses elsewhere lead to `/`.
    public static func seeOther(_ path: String, headers: HTTPFields = [:]) -> Response {
        var headers = headers
        headers[.location] = LocalPath(path)?.text ?? "/"
        return Response(status: .seeOther, headers: headers)
    }

    /// Text in UTF-8 of a content type, as `text/html`.
    public static func text(_ text: String, contentType: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status,
            headers: [.contentType: "\(contentType); charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text))
        )
    }
}

/// A path on this server that may be followed: what `?next=` is allowed to be.
public struct LocalPath: Sendable, Hashable {
    /// The path, with its query.
    public let text: String

    /// A path; `nil` for anything that a browser could take for an address elsewhere or that is not a path.
    ///
    /// `//host`, `/\host` and what control characters make of a path are addresses elsewhere to browsers (WHATWG URL §4.4).
    public init?(_ text: String) {
        guard text.utf8.first == UInt8(ascii: "/"), text.utf8.count <= 2048,
            text.utf8.dropFirst().first != UInt8(ascii: "/"),
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\\") })
        else { return nil }
        self.text = text
    }
}
