// Playlists and segments: the hot path. What every viewer of a resource gets is made once and kept beside it.

import LiveStore
import MediaCore
import NIOCore
import NIOHTTP1

extension StoredResource.DerivedForm {
    /// The body in gzip format.
    fileprivate static let gzip = Self("gzip")
}

/// The names of what is derived from a resource for one way of sending it.
private struct DerivedFields {
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
    /// How long a viewer asks for no playlist, in seconds, before it has left: one and a half of the longest target duration,
    /// after which a player that has nothing new asks again (RFC 8216 §6.3.4), and some time for a slow network.
    private static let longestSilence: Int64 = 20

    /// Answers with a live's playlist, in gzip format where the client takes it.
    ///
    /// - Parameters:
    ///   - id: the live.
    ///   - playlist: which of its playlists.
    ///   - form: the form of what it lists.
    ///   - query: the request's, which may have directives.
    ///   - viewer: who asks.
    ///   - encryption: how what it lists is encrypted.
    ///   - mayHold: whether the reader may be held until what it asks for is there.
    /// - Returns: the response, or what to wait for.
    func playlist(
        of id: StreamID,
        _ playlist: LiveStream.Playlist,
        as form: MediaForm = .stored,
        _ query: String?,
        _ viewer: Viewer,
        _ encryption: SegmentEncryption?,
        mayHold: Bool
    ) -> Reply {
        var directives = ReloadDirectives()
        if let query, playlist != .multivariant {
            do throws(ReloadDirectives.Fault) {
                directives = try ReloadDirectives(query)
            } catch {
                return .response(.failure(.badRequest, "\(error.reason).", on: .media))
            }
        }
        guard let stream = store.stream(id) else { return .response(.notLiveYet) }
        var policy: CachePolicy?
        if let number = directives.mediaSequenceNumber {
            // Where there are no parts, a part is there when its segment is.
            let part = form.hasParts ? directives.part : nil
            let (reach, phase, targetDuration) = stream.reach(of: number, part: part)
            guard let targetDuration else { return .response(.notLiveYet) }
            switch (reach, phase) {
            // The next live of the name has the same address.
            case (.there, .ended): break
            case (.there, _): policy = .awaitedPlaylist(targetDuration: targetDuration)
            case (.beyond, _):
                return .response(.failure(.badRequest, "The live is not nearly that far.", on: .media))
            case (.ahead, _) where mayHold:
                return .hold(Hold(stream: stream, awaited: .segment(number, part: part), targetDuration))
            // While its encoder is away nothing is wrong with the server: the player goes on asking.
            case (.ahead, .interrupted): policy = .unstored
            case (.ahead, _):
                return .response(.failure(.serviceUnavailable, "The live did not come so far in time.", on: .media))
            }
        }
        guard let (plain, targetDuration) = stream.playlist(playlist, skipping: directives.skip) else {
            return .response(.notLiveYet)
        }
        var resource: StoredResource
        do throws(FormRefusal) {
            resource = try self.playlist(plain, as: form) { stream.newestInitialization(of: playlist) }
        } catch {
            return .response(.failure(.notFound, error.reason, on: .media))
        }
        if let encryption, let targetDuration {
            resource = encryption.encrypted(playlist: resource, tag: stream.tag, targetDuration: targetDuration)
        }
        let response = respond(with: resource, policy ?? .playlist(targetDuration: targetDuration), viewer.headers)
        return .response(counted(response, of: stream, .playlist, to: playlist == .multivariant ? nil : viewer))
    }

    private func respond(with resource: StoredResource, _ policy: CachePolicy, _ headers: HTTPHeaders) -> Response {
        let isAwaited = if case .awaitedPlaylist = policy { true } else { false }
        if ContentCoding.preferred(by: headers) == .gzip,
            let body = try? resource.derived(.gzip, { try Gzip.compress($0.body, level: .playlist) })
        {
            let tag = "\"\(resource.entityTag)-gzip\""
            let form = Representation(type: .playlist, coding: .gzip, policy: policy, tag: tag, pieces: [body])
            return respond(with: form, of: resource, isAwaited ? .awaitedGzip : .gzip, headers)
        }
        let tag = "\"\(resource.entityTag)\""
        let form = Representation(
            type: .playlist,
            coding: .identity,
            policy: policy,
            tag: tag,
            pieces: resource.pieces
        )
        return respond(with: form, of: resource, isAwaited ? .awaited : .plain, headers)
    }

    /// Counts what a viewer gets of a live, and the viewer as one who follows it.
    private func counted(
        _ response: Response,
        of stream: LiveStream?,
        _ kind: Audience.Kind,
        to viewer: Viewer? = nil
    ) -> Response {
        let byteCount = response.byteCount
        stream?.audience.sent(kind, byteCount: byteCount)
        meters?.sent(kind, byteCount: byteCount)
        if let viewer {
            let now = NIODeadline.now()
            stream?.audience.follows(viewer.session, until: now + .seconds(Self.longestSilence), now: now)
        }
        return response
    }

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
        let (mediaForm, storedName) = remuxer == nil ? (.stored, name) : MediaForm.resource(named: name)
        guard let (stored, owner) = store.resource(of: id, named: storedName) else {
            guard mayHold, mediaForm.hasParts, let hold = promise(of: storedName, in: id) else {
                return .response(.failure(.notFound, "There is no such segment, or no longer.", on: .media))
            }
            return .hold(hold)
        }
        var resource: StoredResource
        do throws(FormRefusal) {
            resource = try self.resource(stored, as: mediaForm, of: owner)
        } catch {
            return .response(.failure(.notFound, error.reason, on: .media))
        }
        if let encryption, let targetDuration = owner.snapshot.targetDuration {
            resource = encryption.encrypted(resource, tag: owner.tag, targetDuration: targetDuration)
        }
        let tag = "\"\(resource.entityTag)\""
        let form = Representation(
            type: mediaForm.mediaType,
            coding: nil,
            policy: .immutable,
            tag: tag,
            pieces: resource.pieces
        )
        if !headers.contains(name: "if-none-match"), let value = headers.first(name: "range"),
            headers.first(name: "if-range").map({ EntityTag.ifRange($0, holdsFor: tag) }) ?? true
        {
            switch RangeRequest(value, length: resource.byteCount) {
            case .whole: break
            case .part(let range):
                let response = form.partialContent(range)
                return .response(counted(response, of: owner, Audience.Kind(resource: storedName)))
            case .unsatisfiable: return .response(.rangeNotSatisfiable(length: resource.byteCount))
            }
        }
        let response = respond(with: form, of: resource, .plain, headers)
        return .response(counted(response, of: owner, Audience.Kind(resource: storedName)))
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

    private func respond(
        with representation: Representation,
        of resource: StoredResource,
        _ fields: DerivedFields,
        _ headers: HTTPHeaders
    ) -> Response {
        // What no cache keeps is not worth keeping here.
        guard representation.policy != .unstored else {
            return Response(.ok, prebuilt: representation.fields.finished(), pieces: representation.pieces)
        }
        if headers.contains(where: {
            $0.name.isEqual(ignoringCaseOf: "if-none-match") && EntityTag.list($0.value, contains: representation.tag)
        }) {
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
