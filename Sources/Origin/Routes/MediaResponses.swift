// Initialization segments, segments and parts, in the form and with the encryption that is asked for.

import LiveStore
import MediaCore
import NIOCore
import NIOHTTP1

/// The names of what is derived from a resource for one way of sending it.
struct DerivedFields {
    /// The header fields of a 200.
    let okay: StoredResource.DerivedForm
    /// The header fields of a 304.
    let unchanged: StoredResource.DerivedForm

    init(_ name: String) {
        okay = StoredResource.DerivedForm(name)
        unchanged = StoredResource.DerivedForm("\(name).304")
    }

    static let plain = DerivedFields("plain")
    static let gzip = DerivedFields("gz")
    /// For readers that waited for it.
    static let awaited = DerivedFields("await")
    static let awaitedGzip = DerivedFields("await.gz")
}

extension Router {
    /// Answers with an initialization segment, a segment, a part, or the bytes of it that are asked for.
    ///
    /// - Parameters:
    ///   - id: the live.
    ///   - name: the resource's name.
    ///   - headers: the request's header fields.
    ///   - encryption: how it is encrypted.
    ///   - mayHold: whether the reader may be held until a part is there that has been promised.
    /// - Returns: the response, or what to wait for.
    func mediaResource(
        of id: StreamID,
        named name: String,
        _ headers: HTTPHeaders,
        _ encryption: SegmentEncryption?,
        mayHold: Bool
    ) -> Reply {
        if let encryption, name.utf8.suffix(4).elementsEqual(".key".utf8) {
            return .response(key(named: name, of: id, encryption))
        }
        let (form, storedName) = remuxer == nil ? (.stored, name) : MediaForm.resource(named: name)
        guard let (found, owner) = store.resource(of: id, named: storedName) else {
            guard mayHold, form.hasParts, let hold = promise(of: storedName, in: id) else {
                return .response(.noSuchSegment)
            }
            return .hold(hold) { mayHold in
                mediaResource(of: id, named: name, headers, encryption, mayHold: mayHold)
            }
        }
        let derivation = MediaDerivation(form, by: remuxer, encryption, of: owner)
        switch found {
        case .held(let stored, let initialization):
            return .response(media(stored, initialization, derivation, of: owner, headers))
        case .filed(let filed, let initialization):
            return media(filed, initialization, derivation, of: owner, headers)
        }
    }

    /// The response with what is made of something that is in memory.
    func media(
        _ stored: StoredResource,
        _ initialization: StoredResource?,
        _ derivation: MediaDerivation,
        of owner: LiveStream,
        _ headers: HTTPHeaders
    ) -> Response {
        let resource: StoredResource
        do throws(FormRefusal) {
            resource = try derivation.derive(stored, initialization)
        } catch {
            return .failure(.notFound, error.reason, on: .media)
        }
        let form = Representation(
            type: derivation.form.mediaType,
            coding: nil,
            policy: .immutable,
            tag: "\"\(resource.entityTag)\"",
            pieces: resource.pieces
        )
        return media(form, headers, of: owner, named: stored.name) {
            respond(with: form, of: resource, .plain, headers)
        }
    }

    /// A key, for whoever may watch, and for no cache.
    private func key(named name: String, of id: StreamID, _ encryption: SegmentEncryption) -> Response {
        let key = store.liveStreams(of: id).lazy.compactMap { encryption.key(named: name, of: $0) }.first
        guard let key else { return .failure(.notFound, "There is no such key.", on: .media) }
        var fields = HeaderFields()
        fields.forbidStoring()
        fields.allowEveryOrigin()
        fields.add("Content-Type", MediaType.binary.rawValue)
        fields.add("Content-Length", String(key.count))
        return Response(.ok, fields, body: ByteBuffer(bytes: key))
    }

    /// The wait for a part that EXT-X-PRELOAD-HINT names; `nil` when it does not.
    private func promise(of name: String, in id: StreamID) -> Hold? {
        guard let stream = store.stream(id), let parsed = ResourceName(name, tag: stream.tag) else { return nil }
        let snapshot = stream.snapshot
        guard snapshot.hints(at: parsed) else { return nil }
        return Hold(stream: stream, awaited: .resource(parsed), snapshot.targetDuration)
    }

    /// The whole of a representation whose fields are kept beside the resource, or a 304.
    func respond(
        with representation: Representation,
        of resource: StoredResource,
        _ fields: DerivedFields,
        _ headers: HTTPHeaders
    ) -> Response {
        // What no cache keeps is not worth keeping here.
        guard representation.policy != .unstored else {
            return Response(.ok, prebuilt: representation.fields.finished(), pieces: representation.pieces)
        }
        if headers.namesInIfNoneMatch(representation.tag) {
            let unchanged = resource.derived(fields.unchanged) { _ in representation.unchangedFields }
            return Response(.notModified, prebuilt: unchanged)
        }
        return Response(
            .ok,
            prebuilt: resource.derived(fields.okay) { _ in representation.fields.finished() },
            pieces: representation.pieces
        )
    }
}
