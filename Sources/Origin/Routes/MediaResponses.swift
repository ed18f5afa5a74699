// Playlists and segments: the hot path. What every viewer of a resource gets is made once and kept beside it.

import LiveStore
import MediaCore
import NIOCore
import NIOHTTP1

extension StoredResource.DerivedForm {
    /// The body in gzip format.
    fileprivate static let gzip = Self("gzip")
    /// The header fields of a 200 with the body as it is, or in gzip format.
    fileprivate static let fields = Self("fields")
    fileprivate static let gzipFields = Self("fields.gzip")
    /// The header fields of a 304, for either.
    fileprivate static let unchanged = Self("unchanged")
    fileprivate static let gzipUnchanged = Self("unchanged.gzip")
}

extension Router {
    /// Answers with a live's playlist, in gzip format where the client takes it.
    func playlist(
        of id: StreamID,
        _ playlist: LiveStream.Playlist,
        _ headers: HTTPHeaders
    ) -> Response {
        guard let (resource, targetDuration) = store.stream(id)?.playlist(playlist) else { return .notLiveYet }
        let policy = CachePolicy.playlist(targetDuration: targetDuration)
        if ContentCoding.preferred(by: headers) == .gzip,
            let body = try? resource.derived(.gzip, { try Gzip.compress($0.body, level: .playlist) })
        {
            let tag = "\"\(resource.entityTag)-gzip\""
            let parts = Representation(type: .playlist, coding: .gzip, policy: policy, tag: tag, body: body)
            return respond(with: parts, of: resource, .gzipFields, .gzipUnchanged, headers)
        }
        let tag = "\"\(resource.entityTag)\""
        let parts = Representation(type: .playlist, coding: .identity, policy: policy, tag: tag, body: resource.body)
        return respond(with: parts, of: resource, .fields, .unchanged, headers)
    }

    /// Answers with an initialization segment, a media segment, or the bytes of it that are asked for.
    func mediaResource(of id: StreamID, named name: String, _ headers: HTTPHeaders) -> Response {
        guard let resource = store.resource(of: id, named: name) else {
            return .failure(.notFound, "There is no such segment, or no longer.", on: .media)
        }
        let tag = "\"\(resource.entityTag)\""
        let parts = Representation(type: .mp4, coding: nil, policy: .immutable, tag: tag, body: resource.body)
        if !headers.contains(name: "if-none-match"), let value = headers.first(name: "range"),
            headers.first(name: "if-range").map({ EntityTag.ifRange($0, holdsFor: tag) }) ?? true
        {
            switch RangeRequest(value, length: resource.body.readableBytes) {
            case .whole: break
            case .part(let range): return parts.partialContent(range)
            case .unsatisfiable: return .rangeNotSatisfiable(length: resource.body.readableBytes)
            }
        }
        return respond(with: parts, of: resource, .fields, .unchanged, headers)
    }

    private func respond(
        with representation: Representation,
        of resource: StoredResource,
        _ fields: StoredResource.DerivedForm,
        _ unchanged: StoredResource.DerivedForm,
        _ headers: HTTPHeaders
    ) -> Response {
        if headers.contains(where: {
            $0.name.isEqual(ignoringCaseOf: "if-none-match") && EntityTag.list($0.value, contains: representation.tag)
        }) {
            return Response(.notModified, prebuilt: resource.derived(unchanged) { _ in representation.unchangedFields })
        }
        return Response(
            .ok,
            prebuilt: resource.derived(fields) { _ in representation.fields.finished() },
            body: representation.body
        )
    }
}

/// One form in which media is sent, and the fields that go with it.
private struct Representation {
    let type: MediaType
    /// `nil` when it is never negotiated.
    let coding: ContentCoding?
    let policy: CachePolicy
    /// The entity tag, quotes included.
    let tag: String
    let body: ByteBuffer

    /// The fields of a 200 with the whole body.
    var fields: HeaderFields {
        var fields = contentFields(length: body.readableBytes)
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
        fields.add("Content-Range", "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(body.readableBytes)")
        let part = body.getSlice(at: body.readerIndex + range.lowerBound, length: range.count) ?? ByteBuffer()
        return Response(.partialContent, fields, body: part)
    }

    private func contentFields(length: Int) -> HeaderFields {
        var fields = HeaderFields()
        fields.add("Content-Type", type.rawValue)
        fields.add("Content-Length", String(length))
        if coding == .gzip { fields.add("Content-Encoding", "gzip") }
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

    /// The value of Cache-Control.
    var value: String {
        switch self {
        case .immutable: return "public, max-age=31536000, immutable"
        case .playlist(let targetDuration):
            let half = (targetDuration ?? 0) / 2
            return half > 0 ? "public, max-age=\(half)" : "no-cache"
        }
    }
}
