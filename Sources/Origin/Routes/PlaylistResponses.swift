// Playlists: the hot path. What every viewer of a version gets is made once and kept beside it.

import LiveStore
import MediaCore
import NIOCore
import NIOHTTP1

extension StoredResource.DerivedForm {
    /// The body in gzip format.
    fileprivate static let gzip = Self("gzip")
    /// The body in one buffer.
    fileprivate static let joined = Self("joined")
}

/// A request for a playlist, as far as it says what the viewer gets.
struct PlaylistRequest: Sendable {
    /// Which of the live's playlists.
    var playlist: LiveStream.Playlist
    /// The form of what it lists.
    var form = MediaForm.stored
    /// The delivery directives of the query.
    var directives = ReloadDirectives()
    /// Who asks.
    var viewer: Viewer
    /// How what it lists is encrypted.
    var encryption: SegmentEncryption?
}

extension Router {
    /// How long a viewer asks for no playlist, in seconds, before it has left: one and a half of the longest target duration,
    /// after which a player that has nothing new asks again (RFC 8216 §6.3.4), and some time for a slow network.
    private static let longestSilence: Int64 = 20

    /// The largest playlist that is put together once for all viewers, in bytes.
    ///
    /// What is copied behind the head of each answer is better one piece than dozens. Longer ones are sent as the pieces that
    /// their versions share.
    private static let largestJoined = 8 << 10

    /// Answers with a live's playlist, in gzip format where the client takes it.
    ///
    /// - Parameters:
    ///   - request: the request, without its directives.
    ///   - id: the live.
    ///   - query: the request's query, which may have directives.
    ///   - mayHold: whether the reader may be held until what it asks for is there.
    /// - Returns: the response, or what to wait for.
    func playlist(_ request: PlaylistRequest, of id: StreamID, _ query: String?, mayHold: Bool) -> Reply {
        var request = request
        if let query, request.playlist != .multivariant {
            do throws(ReloadDirectives.Fault) {
                request.directives = try ReloadDirectives(query)
            } catch {
                return .response(.failure(.badRequest, "\(error.reason).", on: .media))
            }
        }
        guard let stream = store.stream(id) else { return .response(.notLiveYet) }
        return playlist(request, of: stream, mayHold: mayHold)
    }

    private func playlist(_ request: PlaylistRequest, of stream: LiveStream, mayHold: Bool) -> Reply {
        var policy: CachePolicy?
        if let number = request.directives.mediaSequenceNumber {
            // Where there are no parts, a part is there when its segment is.
            let part = request.form.hasParts ? request.directives.part : nil
            let (reach, phase, targetDuration) = stream.reach(of: number, part: part)
            guard let targetDuration else { return .response(.notLiveYet) }
            switch (reach, phase) {
            // The next live of the name has the same address.
            case (.there, .ended): break
            case (.there, _): policy = .awaitedPlaylist(targetDuration: targetDuration)
            case (.beyond, _):
                return .response(.failure(.badRequest, "The live is not nearly that far.", on: .media))
            case (.ahead, _) where mayHold:
                return .hold(Hold(stream: stream, awaited: .segment(number, part: part), targetDuration)) { mayHold in
                    playlist(request, of: stream, mayHold: mayHold)
                }
            // While its encoder is away nothing is wrong with the server: the player goes on asking.
            case (.ahead, .interrupted): policy = .unstored
            case (.ahead, _):
                return .response(.failure(.serviceUnavailable, "The live did not come so far in time.", on: .media))
            }
        }
        return .response(playlist(request, of: stream, policy))
    }

    /// The playlist as it is now.
    private func playlist(_ request: PlaylistRequest, of stream: LiveStream, _ policy: CachePolicy?) -> Response {
        let skip = request.directives.skip
        guard let (stored, targetDuration) = stream.playlist(request.playlist, skipping: skip) else {
            return .notLiveYet
        }
        var resource: StoredResource
        do throws(FormRefusal) {
            resource = try playlist(stored, as: request.form) { stream.newestInitialization(of: request.playlist) }
        } catch {
            return .failure(.notFound, error.reason, on: .media)
        }
        if let encryption = request.encryption, let targetDuration {
            resource = encryption.encrypted(playlist: resource, tag: stream.tag, targetDuration: targetDuration)
        }
        let viewer = request.viewer
        let response = respond(with: resource, policy ?? .playlist(targetDuration: targetDuration), viewer)
        return counted(response, of: stream, .playlist, to: request.playlist == .multivariant ? nil : viewer)
    }

    private func respond(with resource: StoredResource, _ policy: CachePolicy, _ viewer: Viewer) -> Response {
        let isAwaited = if case .awaitedPlaylist = policy { true } else { false }
        let traits = viewer.traits
        let compressed = traits.coding == .gzip ? try? resource.derived(.gzip) { try Gzip.compress($0) } : nil
        let fields: DerivedFields =
            compressed == nil ? (isAwaited ? .awaited : .plain) : (isAwaited ? .awaitedGzip : .gzip)
        let pieces =
            if let compressed {
                [compressed]
            } else if resource.byteCount <= Self.largestJoined {
                [resource.derived(.joined) { $0.body }]
            } else {
                resource.pieces
            }
        // What most ask for lies ready.
        if !traits.isConditional, policy != .unstored, let okay = resource.known(fields.okay) {
            return Response(.ok, prebuilt: okay, pieces: pieces)
        }
        let form = Representation(
            type: .playlist,
            coding: compressed == nil ? .identity : .gzip,
            policy: policy,
            tag: compressed == nil ? "\"\(resource.entityTag)\"" : "\"\(resource.entityTag)-gzip\"",
            pieces: pieces
        )
        return respond(with: form, of: resource, fields, viewer.headers)
    }

    /// Counts what a viewer gets of a live, and the viewer as one who follows it.
    func counted(
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
}
