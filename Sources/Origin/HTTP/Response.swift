import NIOCore
import NIOHTTP1
import Storage

/// An answer, complete but for what depends on the connection: the status line, Date and Connection.
struct Response: Sendable {
    /// The status code with its reason phrase.
    var status: HTTPResponseStatus
    /// The header fields, Content-Length among them, each line ended by CRLF, and the empty line after them.
    var fields: ByteBuffer
    /// The content, one piece behind the other; none in answers to HEAD and where a status has no content.
    var pieces: [ByteBuffer]
    /// Where the content is when it is not in memory; then there are no pieces.
    var file: FileSequence?
    /// The content that comes over time; then there is no other.
    var stream: BodyStream?
    /// Whether the connection of HTTP/1.1 ends with it.
    var isLast = false

    /// An answer with fields and content.
    init(_ status: HTTPResponseStatus, _ fields: HeaderFields, body: ByteBuffer? = nil) {
        self.init(status, prebuilt: fields.finished(), pieces: body.map { [$0] } ?? [])
    }

    /// An answer from fields that were finished before.
    init(
        _ status: HTTPResponseStatus,
        prebuilt fields: ByteBuffer,
        pieces: [ByteBuffer] = [],
        file: FileSequence? = nil
    ) {
        self.status = status
        self.fields = fields
        self.pieces = pieces
        self.file = file
    }

    /// The length of the content in bytes.
    var byteCount: Int { file?.length ?? pieces.reduce(0) { $0 + $1.readableBytes } }

    /// An answer with text for content, its length and media type added to the fields.
    init(_ status: HTTPResponseStatus, _ type: MediaType, _ text: String, _ fields: HeaderFields = HeaderFields()) {
        let body = ByteBuffer(string: text)
        var fields = fields
        fields.add("Content-Type", type.rawValue)
        fields.add("Content-Length", String(body.readableBytes))
        self.init(status, fields, body: body)
    }

    /// The same answer to a HEAD request (RFC 9110 §9.3.2).
    var withoutBody: Response {
        var response = self
        response.pieces = []
        response.file = nil
        response.stream = nil
        return response
    }
}

/// The media types that this server sends.
enum MediaType: String {
    /// RFC 8216 §4, and what Apple's authoring specification asks for.
    case playlist = "application/vnd.apple.mpegurl"
    /// ISO BMFF, for initialization segments and media segments alike. `video/iso.segment` would name the latter more
    /// exactly, but players and caches older than it know only this one, and none of those that know it need it.
    case mp4 = "video/mp4"
    /// RFC 3555 §4.2.9: MPEG-TS.
    case transportStream = "video/mp2t"
    /// RFC 8216 §5: a key is 16 bytes in binary format.
    case binary = "application/octet-stream"
    case html = "text/html; charset=utf-8"
    case css = "text/css; charset=utf-8"
    case javaScript = "text/javascript; charset=utf-8"
    case svg = "image/svg+xml"
    case jpeg = "image/jpeg"
    /// WebVTT (RFC 8216 §3.5 and W3C WebVTT §10).
    case webVTT = "text/vtt; charset=utf-8"
    case json = "application/json"
    /// RFC 9457.
    case problem = "application/problem+json"
    case plain = "text/plain; charset=utf-8"
    case prometheus = "text/plain; version=0.0.4; charset=utf-8"
}

/// Header fields on their way into a response, in wire form.
struct HeaderFields: Sendable {
    private var buffer = ByteBuffer()

    /// Adds a field.
    ///
    /// Neither name nor value may come from a peer unless it was checked: nothing is escaped here.
    mutating func add(_ name: StaticString, _ value: String) {
        buffer.writeStaticString(name)
        buffer.writeStaticString(": ")
        buffer.writeString(value)
        buffer.writeStaticString("\r\n")
    }

    /// Adds a field that an application made, unless it would not be one field (RFC 9110 §5.1, §5.5).
    mutating func add(checked name: String, _ value: String) {
        let isToken = !name.isEmpty && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !Self.delimiters.contains($0) }
        guard isToken, value.utf8.allSatisfy({ ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }) else { return }
        buffer.writeString("\(name): \(value)\r\n")
    }

    private static let delimiters = Set("\"(),/:;<=>?@[\\]{}".utf8)

    /// The lines with the empty line that ends them.
    func finished() -> ByteBuffer {
        var lines = buffer
        lines.writeStaticString("\r\n")
        return lines
    }

    /// `Cache-Control: no-store`: errors and what holds only for this moment.
    mutating func forbidStoring() { add("Cache-Control", "no-store") }

    /// Lets pages of every origin read the answer and the fields that players look at (Fetch §3.2): hls.js measures
    /// with Age, Date and Content-Length.
    mutating func allowEveryOrigin() {
        add("Access-Control-Allow-Origin", "*")
        add("Access-Control-Expose-Headers", "Date, Age, Content-Length, Content-Range, ETag")
    }
}
