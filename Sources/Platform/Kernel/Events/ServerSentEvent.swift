/// One event of a stream, in the form a browser's `EventSource` reads (HTML Living Standard §9.2.6).
public struct ServerSentEvent: Sendable, Equatable {
    /// Its number in the stream, which a client gives back as `Last-Event-ID`; nil for one that is not to be resumed
    /// from.
    public let id: Int64?

    /// Its type: the name of the listener in a browser.
    public let kind: String

    /// Its text, JSON with us; each line becomes a `data` field.
    public let data: String

    /// Makes an event.
    ///
    /// - Parameters:
    ///   - id: the number in the stream, or nil.
    ///   - kind: the type.
    ///   - data: the text.
    public init(id: Int64?, kind: String, data: String) {
        self.id = id
        self.kind = kind
        self.data = data
    }

    /// The event as bytes of the stream, in UTF-8.
    ///
    /// Line ends in the data begin a new `data` field and those in the type are dropped: no text of a user can begin a
    /// field or an event.
    public var text: String {
        var text = ""
        if let id { text += "id: \(id)\n" }
        text += "event: \(String(String.UnicodeScalarView(kind.unicodeScalars.filter { !Self.isLineEnd($0) })))\n"
        let lines = data.replacing("\r\n", with: "\n").unicodeScalars.split(
            omittingEmptySubsequences: false,
            whereSeparator: Self.isLineEnd
        )
        for line in lines { text += "data: \(String(line))\n" }
        return text + "\n"
    }

    /// A line that says nothing and keeps proxies from closing a quiet connection.
    public static let heartbeat = ":\n\n"

    /// The number in a `Last-Event-ID` header: what we gave out, or nil for anything else.
    public static func lastEventID(_ header: String?) -> Int64? {
        guard let header, header.utf8.count <= 19, let number = Int64(header), number >= 0 else { return nil }
        return number
    }

    private static func isLineEnd(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "\n" || scalar == "\r" || scalar == "\0"
    }
}
