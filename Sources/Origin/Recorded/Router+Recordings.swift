import LiveStore
import MediaCore
import NIOHTTP1
import Recordings

// Recordings for viewers: what is in memory decides who may have them, and the disk has the rest.
extension Router {
    /// The live whose viewers may watch a recording; `nil` for what is no recording, or one that is not there.
    func recordedLive(_ route: Route) -> StreamID? {
        switch route {
        case .recorded(let id, _), .recordingPage(let id), .recordedAccess(let id):
            (recordings?.catalog[id]).flatMap { StreamID($0.facts.stream) }
        default: nil
        }
    }

    /// Answers with a playlist, media or a picture of a recording.
    func recorded(
        _ resource: RecordedResource,
        of id: RecordingID,
        _ query: String?,
        _ headers: HTTPHeaders,
        prefix: String
    ) -> Reply {
        guard let recordings, let recording = recordings.catalog[id] else {
            return .response(.failure(.notFound, "There is no such recording, or no longer.", on: .media))
        }
        if resource == .download { return download(of: id, query, headers) }
        let facts = recording.facts
        if facts.state == .recording, resource.isCompleteOnly {
            let place = StreamID(facts.stream).map { Route.playlistPath($0, prefix: prefix) } ?? "its live"
            return .response(.failure(.notFound, "This is still live, at \(place).", on: .media))
        }
        let count = counting(resource)
        if let known = recordings.knownResponse(with: resource, of: recording, headers) {
            return .response(count(known))
        }
        return recordings.consulting(on: .media) {
            .response(count(recordings.response(with: resource, of: recording, headers)))
        }
    }

    /// Counts what is sent, as for lives.
    private func counting(_ resource: RecordedResource) -> @Sendable (Response) -> Response {
        guard let kind = resource.kind else { return { $0 } }
        return { [self] response in counted(response, of: nil, kind) }
    }

    /// The page of a recording.
    func recordingPage(_ id: RecordingID, prefix: String) -> Reply {
        guard let recordings, let recording = recordings.catalog[id] else { return .response(pages.noRecording) }
        return recordings.consulting(on: .page) { [pages] in
            let facts = recording.facts
            return .response(pages.recording(facts, RecordingLinks(recording, facts, prefix: prefix), prefix: prefix))
        }
    }

    /// Answers operators' programs with one recording, or a list.
    func operatorsRecordings(_ route: Route, _ query: String?, _ headers: HTTPHeaders) -> Reply {
        guard let operators, let recordings else { return .response(notFound(on: .operators)) }
        if case .recording(let id) = route { return operators.recording(id, headers, recordings) }
        return operators.recordings(query, headers, recordings)
    }
}

extension RecordedResource {
    /// Whether it is there only when the recording is complete; pictures are there before.
    fileprivate var isCompleteOnly: Bool {
        switch self {
        case .playlist, .initialization, .segment, .download: true
        case .text, .picture: false
        }
    }

    /// What it counts as; `nil` for what is no media.
    fileprivate var kind: Audience.Kind? {
        switch self {
        case .playlist: .playlist
        case .initialization: .initialization
        case .segment, .download: .segment
        case .text, .picture: nil
        }
    }
}
