// Segments that lie on disk: answered as those in memory are, but for where the bytes are.

import LiveStore
import MediaCore
import NIOCore
import NIOHTTP1
import Storage

extension Router {
    /// A segment is needed whole, in memory, before the request can be answered.
    struct Load: Sendable {
        /// How long a reader waits for the disk at most: as long as for a connection that takes nothing.
        static let longest = OriginLimits().stalledWriteTime

        /// Where the segment lies.
        let slice: FileSlice
        /// The segment's name.
        let name: String
        /// Its entity tag, without quotes.
        let entityTag: String
        /// Tells it apart from all others: the names of segments are those of a live.
        let key: String
    }

    /// What has become of a ``Load``.
    enum Loaded: Sendable {
        case segment(StoredResource)
        /// It cannot be read now, or too many are being read.
        case failed
    }

    /// Answers with what is made of a segment on disk, or the bytes of it that are asked for.
    ///
    /// - Parameters:
    ///   - resource: the segment.
    ///   - initialization: the initialization segment that applies to it.
    ///   - derivation: what is made of it.
    ///   - owner: the live that it is of.
    ///   - headers: the request's header fields.
    ///   - loaded: what has become of the load that this asked for before.
    /// - Returns: the response, or what to load before this is asked again.
    func media(
        _ resource: FiledResource,
        _ initialization: StoredResource,
        _ derivation: MediaDerivation,
        of owner: LiveStream,
        _ headers: HTTPHeaders,
        loaded: Loaded? = nil
    ) -> Reply {
        guard let slice = resource.bytes.slice else { return .response(.noSuchSegment) }
        let tag = "\"\(derivation.entityTag(of: resource.entityTag))\""
        if derivation.isIdentity || headers.namesInIfNoneMatch(tag) {
            let type = derivation.form.mediaType
            let file = derivation.isIdentity ? FileSequence(slice) : nil
            let form = Representation(type: type, coding: nil, policy: .immutable, tag: tag, file: file)
            return .response(media(form, headers, of: owner, named: resource.name) { form.whole(headers) })
        }
        let key = "\(owner.id)/\(resource.name)"
        switch loaded {
        case .failed: return .response(.unreadable)
        case .segment(let segment): return .response(media(segment, initialization, derivation, of: owner, headers))
        case nil: break
        }
        if let known = loadedSegments[key] {
            return .response(media(known, initialization, derivation, of: owner, headers))
        }
        let load = Load(slice: slice, name: resource.name, entityTag: resource.entityTag, key: key)
        return .load(load) { media(resource, initialization, derivation, of: owner, headers, loaded: $0) }
    }

    /// A form of media, whole or the bytes of it that are asked for, counted as sent.
    ///
    /// - Parameters:
    ///   - form: the form.
    ///   - headers: the request's header fields.
    ///   - owner: the live that it is of.
    ///   - name: the resource's name.
    ///   - whole: makes the response that is no range: a 200 or a 304.
    /// - Returns: the response.
    func media(
        _ form: Representation,
        _ headers: HTTPHeaders,
        of owner: LiveStream,
        named name: String,
        whole: () -> Response
    ) -> Response {
        let kind = Audience.Kind(resource: name)
        let response = form.response(to: headers, whole: whole)
        return response.status == .rangeNotSatisfiable ? response : counted(response, of: owner, kind)
    }
}

extension Representation {
    /// The bytes of it that a request asks for.
    ///
    /// - Parameters:
    ///   - headers: the request's header fields.
    ///   - whole: makes the response that is no range: a 200 or a 304.
    /// - Returns: the response.
    func response(to headers: HTTPHeaders, whole: () -> Response) -> Response {
        guard !headers.contains(name: "if-none-match"), let value = headers.first(name: "range"),
            headers.first(name: "if-range").map({ EntityTag.ifRange($0, holdsFor: tag) }) ?? true
        else { return whole() }
        switch RangeRequest(value, length: length) {
        case .whole: return whole()
        case .part(let range): return partialContent(range)
        case .unsatisfiable: return .rangeNotSatisfiable(length: length)
        }
    }

    /// A 304 when the reader has it already, else a 200.
    func whole(_ headers: HTTPHeaders) -> Response {
        guard !headers.namesInIfNoneMatch(tag) else { return Response(.notModified, prebuilt: unchangedFields) }
        return Response(.ok, prebuilt: fields.finished(), pieces: pieces, file: file)
    }
}

extension HTTPHeaders {
    /// Whether If-None-Match has this entity tag, quotes included.
    func namesInIfNoneMatch(_ tag: String) -> Bool {
        contains { $0.name.isEqual(ignoringCaseOf: "if-none-match") && EntityTag.list($0.value, contains: tag) }
    }
}
