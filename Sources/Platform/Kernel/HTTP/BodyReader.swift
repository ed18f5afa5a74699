internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// Reads the body an endpoint takes: its size, its type, its form.
///
/// What it says is for the schema to judge.
struct BodyReader {
    /// What was sent.
    enum Content {
        case nothing
        case json(JSONValue, bytes: [UInt8])
        case form(FormFields, Upload?, bytes: [UInt8])
        case bytes([UInt8])

        /// The token that came back in a form.
        var csrfToken: String? {
            guard case .form(let fields, _, _) = self, fields.all("csrf").count == 1 else { return nil }
            return fields["csrf"]
        }

        /// The body as it came.
        var raw: [UInt8] {
            switch self {
            case .nothing: []
            case .json(_, let bytes), .form(_, _, let bytes), .bytes(let bytes): bytes
            }
        }
    }

    let endpoint: Endpoint

    /// Reads the body; afterwards the request holds all of it.
    ///
    /// - Throws: ``Problem`` 413, 415 or 400.
    func read(_ request: inout Request) async throws -> Content {
        let bytes = try await collect(&request)
        let type = MediaRange(request.headers[.contentType] ?? "")
        if let coding = request.headers[.contentEncoding], coding.lowercased() != "identity" {
            throw unsupported("Bodies cannot be compressed here.")
        }
        switch endpoint.body {
        case .json: return try json(bytes, type)
        case .form: return try form(bytes, type)
        case .upload(_, let maximum): return try upload(bytes, type, maximum)
        case .bytes(let types, _):
            guard types.contains(type.essence) else {
                throw unsupported("Send one of: \(types.joined(separator: ", ")).")
            }
            return .bytes(bytes)
        case nil:
            if bytes.isEmpty { return .nothing }
            // A button is a form too.
            if endpoint.kind == .page, !endpoint.method.isSafe { return try form(bytes, type) }
            throw Problem.malformed("This takes no body.")
        }
    }

    private func collect(_ request: inout Request) async throws -> [UInt8] {
        do {
            let buffer = try await request.collectBody(upTo: endpoint.maximumBodySize)
            return Array(buffer.readableBytesView)
        } catch is NIOTooManyBytesError {
            throw Problem(
                .contentTooLarge,
                code: "body_too_large",
                detail: "The body may have \(endpoint.maximumBodySize) bytes at most."
            )
        }
    }

    private func json(_ bytes: [UInt8], _ type: MediaRange) throws -> Content {
        // text/plain is what a form elsewhere can send without asking (ASVS 5.0 §3.5.2): it is not read as JSON.
        guard type.essence == "application/json" || type.essence == "application/merge-patch+json", type.isUTF8 else {
            throw unsupported("Send application/json in UTF-8.")
        }
        do {
            return .json(try JSONParser.parse(bytes), bytes: bytes)
        } catch let fault {
            throw Problem.malformed("The body is not JSON: \(fault.reason), at byte \(fault.offset).")
        }
    }

    private func form(_ bytes: [UInt8], _ type: MediaRange) throws -> Content {
        guard type.essence == "application/x-www-form-urlencoded", type.isUTF8 else {
            throw unsupported("Send application/x-www-form-urlencoded in UTF-8.")
        }
        return .form(try FormFields(encoded: bytes), nil, bytes: bytes)
    }

    private func upload(_ bytes: [UInt8], _ type: MediaRange, _ maximum: Int) throws -> Content {
        // Without a file, and without script, a browser may as well send an ordinary form.
        guard type.essence == "multipart/form-data", let boundary = type.boundary else { return try form(bytes, type) }
        let content = try MultipartParser.parse(bytes, boundary: boundary)
        guard content.files.keys.allSatisfy({ $0 == "file" }) else {
            throw Problem.malformed("A file has an unknown name.")
        }
        let file = content.files["file"]
        guard (file?.bytes.count ?? 0) <= maximum else {
            throw Problem(
                .contentTooLarge,
                code: "body_too_large",
                detail: "The file may have \(maximum) bytes at most."
            )
        }
        return .form(content.fields, file, bytes: bytes)
    }

    private func unsupported(_ detail: String) -> Problem {
        Problem(.unsupportedMediaType, code: "content_type_unsupported", detail: detail)
    }
}

/// A content type, as far as bodies need it (RFC 9110 §8.3.1).
struct MediaRange {
    /// Type and subtype in small letters.
    let essence: String
    /// Whether the text is UTF-8: said so, or nothing said.
    let isUTF8: Bool
    /// The boundary of a multipart body (RFC 2046 §5.1.1).
    let boundary: String?

    init(_ value: String) {
        let parts = value.split(separator: ";", omittingEmptySubsequences: false).map(Self.trimmed)
        essence = (parts.first ?? "").lowercased()
        isUTF8 =
            Self.parameter("charset", parts.dropFirst()).map { ["utf-8", "utf8"].contains($0.lowercased()) } ?? true
        boundary = Self.parameter("boundary", parts.dropFirst()).map(String.init)
    }

    private static func parameter(_ name: String, _ parts: ArraySlice<Substring>) -> Substring? {
        guard let part = parts.first(where: { $0.lowercased().hasPrefix("\(name)=") }) else { return nil }
        let value = part.dropFirst(name.count + 1)
        return value.count >= 2 && value.first == "\"" && value.last == "\"" ? value.dropFirst().dropLast() : value
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while text.first == " " || text.first == "\t" { text.removeFirst() }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }
}
