import LiveStore
import MediaCore

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
