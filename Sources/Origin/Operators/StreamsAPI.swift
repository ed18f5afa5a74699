import LiveStore
import MediaCore
import NIOCore
import NIOHTTP1

/// `/api/v1/streams`: who publishes.
extension OperatorAPI {
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

    private static func nothingPublished(_ id: StreamID) -> Response {
        .problem(.notFound, "Nobody publishes \(id), and nobody has lately.", HeaderFields())
    }
}
