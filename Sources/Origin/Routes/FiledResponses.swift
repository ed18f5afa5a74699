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

    /// Answers with a segment on disk, or the bytes of it that are asked for.
    ///
    /// - Parameters:
    ///   - resource: the segment.
    ///   - owner: the live that it is of.
    ///   - headers: the request's header fields.
    ///   - encryption: how it is encrypted.
    ///   - loaded: what has become of the load that this asked for before.
    /// - Returns: the response, or what to load before this is asked again.
    func filedResource(
        _ resource: FiledResource,
        of owner: LiveStream,
        _ headers: HTTPHeaders,
        _ encryption: SegmentEncryption?,
        loaded: Loaded? = nil
    ) -> Reply {
        guard let slice = resource.bytes.slice else {
            return .response(.failure(.notFound, "There is no such segment, or no longer.", on: .media))
        }
        guard let encryption, let targetDuration = owner.snapshot.targetDuration else {
            let tag = "\"\(resource.entityTag)\""
            let form = Representation(type: .mp4, coding: nil, policy: .immutable, tag: tag, file: slice)
            return .response(media(form, headers, of: owner, named: resource.name) { form.whole(headers) })
        }
        let tag = "\"\(SegmentEncryption.entityTag(of: resource.entityTag))\""
        if headers.namesInIfNoneMatch(tag) {
            let form = Representation(type: .mp4, coding: nil, policy: .immutable, tag: tag)
            return .response(media(form, headers, of: owner, named: resource.name) { form.whole(headers) })
        }
        let load = Load(
            slice: slice,
            name: resource.name,
            entityTag: resource.entityTag,
            key: "\(owner.id)/\(resource.name)"
        )
        let plain: StoredResource
        switch loaded {
        case .failed: return .response(.unreadable)
        case .segment(let segment): plain = segment
        case nil:
            guard let known = loadedSegments[load.key] else {
                return .load(load) { filedResource(resource, of: owner, headers, encryption, loaded: $0) }
            }
            plain = known
        }
        return .response(encryptedMedia(plain, of: owner, headers, encryption, targetDuration))
    }

    private func encryptedMedia(
        _ plain: StoredResource,
        of owner: LiveStream,
        _ headers: HTTPHeaders,
        _ encryption: SegmentEncryption,
        _ targetDuration: Int
    ) -> Response {
        let resource = encryption.encrypted(plain, tag: owner.tag, targetDuration: targetDuration)
        let tag = "\"\(resource.entityTag)\""
        let form = Representation(type: .mp4, coding: nil, policy: .immutable, tag: tag, pieces: resource.pieces)
        return media(form, headers, of: owner, named: plain.name) { form.whole(headers) }
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
        guard !headers.contains(name: "if-none-match"), let value = headers.first(name: "range"),
            headers.first(name: "if-range").map({ EntityTag.ifRange($0, holdsFor: form.tag) }) ?? true
        else { return counted(whole(), of: owner, kind) }
        switch RangeRequest(value, length: form.length) {
        case .whole: return counted(whole(), of: owner, kind)
        case .part(let range): return counted(form.partialContent(range), of: owner, kind)
        case .unsatisfiable: return .rangeNotSatisfiable(length: form.length)
        }
    }
}

extension Representation {
    /// A 304 when the reader has it already, else a 200.
    fileprivate func whole(_ headers: HTTPHeaders) -> Response {
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
