import NIOCore
import NIOHTTP1

/// A request that has come before in the very same bytes, and all that follows from them.
final class KnownRequest: Sendable {
    /// The request with its header fields, none of which announces a body.
    let head: HTTPRequestHead
    /// What it asks for.
    let reading: Router.Reading
    /// The bytes that it came in.
    fileprivate let bytes: ByteBuffer

    init(_ head: HTTPRequestHead, _ reading: Router.Reading, bytes: ByteBuffer) {
        self.head = head
        self.reading = reading
        self.bytes = bytes
    }
}

/// The requests that came to an event loop of late, by their bytes.
///
/// Viewers of a live ask for the same playlists, parts and segments, and players of one kind in the same words: most requests
/// came in the same bytes before. The same bytes have the same meaning, so it is read once. Only what is read is kept, never an
/// answer.
///
/// There are two generations, so that what nobody asks for any more goes. Belongs to one event loop.
final class KnownRequests {
    /// The longest request that is kept, in bytes: browsers send some hundred.
    static let longest = 2048
    /// How many requests a generation has.
    static let generationSize = 256

    private var young: [Int: KnownRequest] = [:]
    private var old: [Int: KnownRequest] = [:]
    /// The one that was asked for last: when a part appears, all viewers ask for the same.
    private var last: KnownRequest?

    /// The request of these bytes, which are to be one whole request and nothing else.
    subscript(bytes: ByteBuffer) -> KnownRequest? {
        if let last, last.bytes == bytes { return last }
        guard bytes.readableBytes <= Self.longest, !young.isEmpty || !old.isEmpty else { return nil }
        let key = Self.key(of: bytes)
        if let found = young[key] {
            guard found.bytes == bytes else { return nil }
            last = found
            return found
        }
        guard let found = old[key], found.bytes == bytes else { return nil }
        keep(found, key)
        return found
    }

    /// How many requests are kept.
    var count: Int { young.count + old.count }

    /// Keeps a request, unless it is too long.
    ///
    /// - Parameters:
    ///   - head: the request.
    ///   - reading: what it asks for.
    ///   - bytes: all it came in.
    func learn(_ head: HTTPRequestHead, _ reading: Router.Reading, from bytes: ByteBuffer) {
        guard bytes.readableBytes <= Self.longest else { return }
        // A copy: the buffer is the connection's, which reads into it again.
        let request = KnownRequest(head, reading, bytes: ByteBuffer(bytes: bytes.readableBytesView))
        keep(request, Self.key(of: bytes))
    }

    private func keep(_ request: KnownRequest, _ key: Int) {
        if young.count >= Self.generationSize {
            old = young
            young.removeAll(keepingCapacity: true)
        }
        young[key] = request
        last = request
    }

    private static func key(of bytes: ByteBuffer) -> Int {
        var hasher = Hasher()
        bytes.withUnsafeReadableBytes { hasher.combine(bytes: $0) }
        return hasher.finalize()
    }
}

@available(*, unavailable)
extension KnownRequests: Sendable {}

/// Whether what comes next from a connection is the beginning of a request: then, and only then, equal bytes mean the same.
struct RequestBoundary {
    /// What the parser has made of a connection so far.
    struct Decoded: Hashable {
        var heads = 0
        var ends = 0
        /// Whether a request wanted another protocol: behind it the parser stops.
        var mayHaveStopped = false
    }

    /// Whether the parser has nothing of an unfinished request.
    private(set) var isAtRequest = true

    /// Bytes have passed the parser.
    ///
    /// - Parameters:
    ///   - bytes: the bytes.
    ///   - before: what the parser had made before.
    ///   - after: what it has made now.
    /// - Returns: whether the bytes were one request without a body, whole, and nothing else.
    mutating func passed(_ bytes: ByteBuffer, decoded before: Decoded, _ after: Decoded) -> Bool {
        let wasAtRequest = isAtRequest
        isAtRequest =
            after == Decoded(heads: before.heads + 1, ends: before.ends + 1) && Self.endsWithItsOnlyEmptyLine(bytes)
        return wasAtRequest && isAtRequest
    }

    /// Whether there is one empty line and it is the last, so that a head ends there and nowhere before.
    ///
    /// A carriage return stands before each line feed, and nowhere else, or it is left to the parser what a line is.
    private static func endsWithItsOnlyEmptyLine(_ bytes: ByteBuffer) -> Bool {
        bytes.withUnsafeReadableBytes { bytes in
            let (carriageReturn, lineFeed) = (UInt8(ascii: "\r"), UInt8(ascii: "\n"))
            var lineStart = 0
            for (index, byte) in bytes.enumerated() {
                if byte == carriageReturn {
                    guard index + 1 < bytes.count, bytes[index + 1] == lineFeed else { return false }
                } else if byte == lineFeed {
                    guard index > 0, bytes[index - 1] == carriageReturn else { return false }
                    if index - 1 == lineStart { return index == bytes.count - 1 && lineStart > 0 }
                    lineStart = index + 1
                }
            }
            return false
        }
    }
}
