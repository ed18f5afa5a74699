import Cryptography
import LiveStore
public import MediaCore
import NIOCore
import NIOHTTP1

/// What operators may see and do over HTTP, and the token that tells them from everybody else.
public struct OperatorAPI: Sendable {
    private let token: [UInt8]
    private let directory: any PublishDirectory
    private let restreams: any RestreamDirectory

    /// The API behind a token.
    ///
    /// - Parameters:
    ///   - token: what stands behind `Bearer` in the header field Authorization (RFC 6750 §2.1); not empty.
    ///   - directory: who publishes.
    ///   - restreams: what is pushed to other servers.
    public init(token: Secret, directory: any PublishDirectory, restreams: any RestreamDirectory) {
        self.token = Array(token.revealed.utf8)
        self.directory = directory
        self.restreams = restreams
    }

    /// Every name's newest publish.
    func streams(_ headers: HTTPHeaders, _ store: LiveStore) -> Response {
        guarded(headers) {
            .operators(.object([("streams", .array(directory.publishes.map { json($0, store) }))]))
        }
    }

    /// The newest publish of a name.
    func stream(_ id: StreamID, _ headers: HTTPHeaders, _ store: LiveStore) -> Response {
        guarded(headers) {
            guard let status = directory.publish(of: id) else { return Self.nothingPublished(id) }
            return .operators(json(status, store))
        }
    }

    private func json(_ status: PublishStatus, _ store: LiveStore) -> JSON {
        PublishDocument(
            status,
            restreams: restreams.restreams(of: status.stream),
            audience: store.stream(status.stream)?.audienceFigures(now: .now()) ?? Audience.Figures()
        ).json
    }

    /// Ends the publish of a name and its live.
    func end(_ id: StreamID, _ headers: HTTPHeaders) -> Response {
        guarded(headers) {
            guard directory.endPublish(of: id) else { return Self.nothingPublished(id) }
            var fields = HeaderFields()
            fields.forbidStoring()
            return Response(.noContent, fields)
        }
    }

    private func guarded(_ headers: HTTPHeaders, _ respond: () -> Response) -> Response {
        guard isAuthorized(headers) else {
            var fields = HeaderFields()
            fields.add("WWW-Authenticate", "Bearer realm=\"lyceum operators\"")
            return .problem(.unauthorized, "This needs the operator token: Authorization: Bearer TOKEN.", fields)
        }
        return respond()
    }

    /// A wrong token takes as long to refuse as a nearly right one.
    private func isAuthorized(_ headers: HTTPHeaders) -> Bool {
        let values = headers["authorization"]
        guard values.count == 1, values[0].utf8.count > 7, values[0].prefix(7).lowercased() == "bearer " else {
            return false
        }
        return ConstantTime.isEqual(token, Array(values[0].utf8.dropFirst(7)))
    }

    private static func nothingPublished(_ id: StreamID) -> Response {
        .problem(.notFound, "Nobody publishes \(id), and nobody has lately.", HeaderFields())
    }
}

/// A publish in the words of the API.
struct PublishDocument {
    private let status: PublishStatus
    private let restreams: [RestreamStatus]
    private let audience: Audience.Figures

    init(_ status: PublishStatus, restreams: [RestreamStatus], audience: Audience.Figures) {
        self.status = status
        self.restreams = restreams
        self.audience = audience
    }

    /// Its JSON object.
    var json: JSON {
        .object([
            ("name", .string(status.stream.name)),
            ("state", .string(status.end == nil ? "publishing" : "ended")),
            ("app", .string(status.app)),
            ("peerAddress", .string(status.peerAddress)),
            ("encrypted", .boolean(status.isEncrypted)),
            ("encoder", status.encoder.map(JSON.string) ?? .null),
            ("startedAt", .string(status.startedAt.description)),
            ("endedAt", status.end.map { .string($0.at.description) } ?? .null),
            ("endReason", status.end.map { .string($0.reason) } ?? .null),
            ("tracks", .array(status.tracks.map(Self.json))),
            ("bytes", .number(status.bytes)),
            ("bitrate", .number(Int(status.bitsPerSecond.rounded()))),
            ("frameRate", .decimal((status.picturesPerSecond * 100).rounded() / 100)),
            ("videoFrames", .number(status.videoUnits)),
            ("audioFrames", .number(status.audioUnits)),
            ("droppedFrames", .number(status.droppedUnits)),
            ("lateFrames", .number(status.lateUnits)),
            ("delay", .decimal((status.delay * 1000).rounded() / 1000)),
            ("clockJumps", .number(status.clockJumps)),
            ("lastError", status.lastProblem.map(JSON.string) ?? .null),
            ("restreams", .array(restreams.map(Self.json))),
            ("audience", Self.json(audience)),
        ])
    }

    private static func json(_ audience: Audience.Figures) -> JSON {
        .object([
            ("viewers", .number(audience.viewers)),
            ("heldRequests", .number(audience.heldRequests)),
            ("bytes", .number(audience.bytes)),
            ("requests", .object(Audience.Kind.allCases.map { ($0.name, .number(audience.requests[$0] ?? 0)) })),
        ])
    }

    private static func json(_ restream: RestreamStatus) -> JSON {
        .object([
            ("target", .string(restream.target)),
            ("state", .string(restream.state.rawValue)),
            ("since", .string(restream.since.description)),
            ("failures", .number(restream.failures)),
            ("lastError", restream.lastError.map(JSON.string) ?? .null),
            ("bytes", .number(restream.bytes)),
            ("droppedMessages", .number(restream.droppedMessages)),
        ])
    }

    private static func json(_ track: Track) -> JSON {
        var members: [(name: String, value: JSON)] = [
            ("kind", .string(track.id.kind.rawValue)), ("index", .number(Int(track.id.index))),
            ("codec", .string(track.configuration.codecString)),
            ("codecName", .string(track.configuration.codecName)),
        ]
        if let picture = track.configuration.picture {
            members += [("width", .number(picture.width)), ("height", .number(picture.height))]
        }
        if let sound = track.configuration.sound {
            members.append(("samplingFrequency", .number(sound.samplingFrequency)))
            members.append(("channels", sound.channelCount.map(JSON.number) ?? .null))
        }
        return .object(members)
    }
}
