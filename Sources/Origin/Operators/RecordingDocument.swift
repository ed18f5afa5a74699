import MediaCore
import Recordings

/// A recording in the words of the API.
struct RecordingDocument {
    private let facts: RecordingFacts
    private let links: RecordingLinks

    /// What is known of a recording.
    ///
    /// Blocks: it looks which files are there.
    init(_ recording: Recording) {
        facts = recording.facts
        links = RecordingLinks(recording, facts)
    }

    /// Its JSON object.
    var json: JSON {
        .object([
            ("id", .string(facts.id.text)),
            ("stream", .string(facts.stream)),
            ("title", .string(facts.title)),
            ("source", .string(facts.source.rawValue)),
            ("state", .string(facts.state.rawValue)),
            ("startedAt", .string(WallClockTime(milliseconds: facts.startedAt).description)),
            ("endedAt", facts.endedAt.map { .string(WallClockTime(milliseconds: $0).description) } ?? .null),
            ("duration", Self.seconds(facts.duration)),
            ("byteCount", .number(Int(facts.byteCount))),
            ("kept", .boolean(facts.isKept)),
            ("gaps", .array(facts.gaps.map(Self.json))),
            ("cut", facts.cut.map(Self.json) ?? .null),
            ("playlist", .string(links.playlist)),
            ("download", links.download.map(JSON.string) ?? .null),
            ("page", .string(links.page)),
            ("poster", links.poster.map(JSON.string) ?? .null),
            ("storyboard", links.storyboard.map(JSON.string) ?? .null),
        ])
    }

    private static func json(_ gap: RecordingFacts.Gap) -> JSON {
        .object([
            ("cause", .string(gap.cause.rawValue)),
            ("start", seconds(gap.start)),
            ("duration", seconds(gap.duration)),
            ("missing", .decimal(Double(gap.missing) / 1000)),
        ])
    }

    private static func json(_ cut: RecordingFacts.Cut) -> JSON {
        .object([
            ("source", .string(cut.source.text)),
            ("start", seconds(cut.start)),
            ("duration", seconds(cut.duration)),
        ])
    }

    private static func seconds(_ nanoseconds: Int64) -> JSON { .decimal(Double(nanoseconds) / 1_000_000_000) }
}

/// Where what belongs to a recording is, as far as it is there.
struct RecordingLinks {
    /// Its playlist: that of the live while it is being recorded.
    let playlist: String
    /// All of it as one file, once it is complete.
    let download: String?
    /// Its page.
    let page: String
    /// Its picture.
    let poster: String?
    /// Its pictures for seeking.
    let storyboard: String?

    /// The links.
    ///
    /// Blocks.
    ///
    /// - Parameters:
    ///   - recording: the recording.
    ///   - facts: what is known of it.
    ///   - prefix: what stands in front of the paths of whoever asks.
    init(_ recording: Recording, _ facts: RecordingFacts, prefix: String = "") {
        let id = recording.id
        func path(_ name: String) -> String { Route.recordedPath(id, name, prefix: prefix) }
        func pathIfThere(_ name: String) -> String? {
            (try? recording.file(named: name)) == nil ? nil : path(name)
        }
        let live = facts.state == .recording ? StreamID(facts.stream) : nil
        playlist = live.map { Route.playlistPath($0, prefix: prefix) } ?? path(RecordingFolder.multivariantPlaylist)
        download = facts.state == .ready ? path("download.mp4") : nil
        page = Route.recordingPath(id, prefix: prefix)
        poster = pathIfThere("poster.jpg")
        storyboard = pathIfThere("storyboard.vtt")
    }
}
