import NIOCore
import NIOHTTP1
import Recordings
import Storage

/// `/api/v1/recordings`: what was recorded.
extension OperatorAPI {
    /// A page of the list.
    func recordings(_ query: String?, _ headers: HTTPHeaders, _ media: RecordedMedia) -> Router.Reply {
        guarded(headers) {
            do throws(QueryParameters.Fault) {
                let list = try RecordingList(query)
                return media.consulting(on: .operators) {
                    .response(.operators(list.json(media.catalog.all)))
                }
            } catch {
                return .response(.problem(.badRequest, "The parameter '\(error.name)' \(error.reason)."))
            }
        }
    }

    /// One recording.
    func recording(_ id: RecordingID, _ headers: HTTPHeaders, _ media: RecordedMedia) -> Router.Reply {
        guarded(headers) {
            guard let recording = media.catalog[id] else { return .response(Self.noSuchRecording) }
            return media.consulting(on: .operators) { .response(.operators(RecordingDocument(recording).json)) }
        }
    }

    /// Changes what a document has members for.
    func change(
        _ id: RecordingID,
        _ content: RequestContent,
        _ headers: HTTPHeaders,
        _ media: RecordedMedia
    ) -> Router.Reply {
        guarded(headers) {
            let changes: RecordingChanges
            do throws(RequestDocument.Fault) {
                changes = try RecordingChanges(RequestDocument(content.body, headers))
            } catch {
                return .response(error.response)
            }
            guard media.catalog[id] != nil else { return .response(Self.noSuchRecording) }
            return media.consulting(on: .operators) {
                do throws(StorageFailure) {
                    guard try media.catalog.update(id, changes.apply) != nil, let recording = media.catalog[id] else {
                        return .response(Self.noSuchRecording)
                    }
                    return .response(.operators(RecordingDocument(recording).json))
                } catch {
                    return .response(.problem(.serviceUnavailable, "The disk does not take it: \(error)."))
                }
            }
        }
    }

    /// Deletes a recording; who watches it watches on.
    func delete(_ id: RecordingID, _ headers: HTTPHeaders, _ media: RecordedMedia) -> Router.Reply {
        guarded(headers) {
            guard let recording = media.catalog[id] else { return .response(Self.noSuchRecording) }
            guard recording.facts.state != .recording else {
                let words = "The recording is still being made: end the live of \(recording.facts.stream) first."
                return .response(.problem(.conflict, words))
            }
            return media.consulting(on: .operators) {
                guard media.catalog.delete(id) else { return .response(Self.noSuchRecording) }
                var fields = HeaderFields()
                fields.forbidStoring()
                return .response(Response(.noContent, fields))
            }
        }
    }

    private static var noSuchRecording: Response { .problem(.notFound, "There is no such recording, or no longer.") }
}

/// What is to be changed of a recording.
struct RecordingChanges: Hashable, Sendable {
    private let title: String?
    private let isKept: Bool?

    /// Reads a document.
    init(_ document: consuming RequestDocument) throws(RequestDocument.Fault) {
        title = try document.title()
        isKept = try document.boolean("kept")
        try document.end()
    }

    /// Makes the changes.
    @Sendable func apply(to facts: inout RecordingFacts) {
        if let title { facts.title = title }
        if let isKept { facts.isKept = isKept }
    }
}
