import NIOCore
import NIOHTTP1
import Storage

/// One form in which media is sent, and the fields that go with it.
struct Representation {
    let type: MediaType
    /// `nil` when it is never negotiated.
    let coding: ContentCoding?
    let policy: CachePolicy
    /// The entity tag, quotes included.
    let tag: String
    var pieces: [ByteBuffer] = []
    /// Where the bytes are when they are not in memory.
    var file: FileSequence?
    /// The value of Content-Disposition for what is to be saved.
    var disposition: String?

    /// How many bytes there are.
    var length: Int { file?.length ?? pieces.reduce(0) { $0 + $1.readableBytes } }

    /// The fields of a 200 with the whole body.
    var fields: HeaderFields {
        var fields = contentFields(length: length)
        if coding == nil { fields.add("Accept-Ranges", "bytes") }
        return fields
    }

    /// The finished fields of a 304 (RFC 9110 §15.4.5): those that a 200 would have had and a cache needs.
    var unchangedFields: ByteBuffer {
        var fields = HeaderFields()
        addCacheFields(to: &fields)
        return fields.finished()
    }

    /// A 206 with a part of the body.
    func partialContent(_ range: Range<Int>) -> Response {
        var fields = contentFields(length: range.count)
        fields.add("Content-Range", "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(length)")
        return Response(
            .partialContent,
            prebuilt: fields.finished(),
            pieces: pieces.slice(range),
            file: file?.subsequence(range)
        )
    }

    private func contentFields(length: Int) -> HeaderFields {
        var fields = HeaderFields()
        fields.add("Content-Type", type.rawValue)
        fields.add("Content-Length", String(length))
        if coding == .gzip { fields.add("Content-Encoding", "gzip") }
        if let disposition { fields.add("Content-Disposition", disposition) }
        addCacheFields(to: &fields)
        return fields
    }

    private func addCacheFields(to fields: inout HeaderFields) {
        fields.add("Cache-Control", policy.value)
        fields.add("ETag", tag)
        if coding != nil { fields.add("Vary", "Accept-Encoding") }
        fields.allowEveryOrigin()
    }
}

/// How long caches may keep a response.
enum CachePolicy: Hashable, Sendable {
    /// For segments: their names are never used again, so a cache can keep them for the year that HTTP/1.1 once named
    /// as the longest (RFC 2616 §14.21), without asking back.
    case immutable
    /// For playlists: at most half the target duration, after which a player that found no new segment asks again
    /// (RFC 8216 §6.3.4).
    ///
    /// The playlist of an ended live is kept no longer: the next live of the name has the same address.
    case playlist(targetDuration: Int?)
    /// For playlists that a reader named by what is in them: that stays true, and a cache may answer all who ask the same
    /// as long as any of them may still come (RFC 8216bis Appendix B).
    case awaitedPlaylist(targetDuration: Int)
    /// For what seldom changes, but may, or may be removed: for so many seconds.
    case brief(seconds: Int)
    /// For what may change at any time: asked for again each time, and sent only if it has changed.
    case revalidated
    /// For what holds only for this moment.
    case unstored

    /// The value of Cache-Control.
    var value: String {
        switch self {
        case .immutable: return "public, max-age=31536000, immutable"
        case .playlist(let targetDuration):
            let half = (targetDuration ?? 0) / 2
            return half > 0 ? "public, max-age=\(half)" : "no-cache"
        case .awaitedPlaylist(let targetDuration): return "public, max-age=\(6 * targetDuration)"
        case .brief(let seconds): return "public, max-age=\(seconds)"
        case .revalidated: return "no-cache"
        case .unstored: return "no-store"
        }
    }
}

extension [ByteBuffer] {
    /// Some of the bytes that the pieces are together.
    func slice(_ range: Range<Int>) -> [ByteBuffer] {
        var slices: [ByteBuffer] = []
        var start = 0
        for piece in self {
            let end = start + piece.readableBytes
            let wanted =
                Swift.max(
                    range.lowerBound,
                    start
                )..<Swift.max(range.lowerBound, start, Swift.min(range.upperBound, end))
            if let slice = piece.getSlice(at: piece.readerIndex + wanted.lowerBound - start, length: wanted.count),
                !wanted.isEmpty
            {
                slices.append(slice)
            }
            start = end
        }
        return slices
    }
}
