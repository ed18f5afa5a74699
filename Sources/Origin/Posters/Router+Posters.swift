import LiveStore
import MediaCore
import NIOCore
import NIOHTTP1

extension Router {
    /// Answers with the picture of a live; whoever asks first waits until it is made.
    func poster(of id: StreamID, _ headers: HTTPHeaders) -> Reply {
        guard let posters, let stream = store.stream(id) else { return .response(.noPoster) }
        let status = posters.status(of: stream)
        guard case .unknown = status else { return .response(poster(status, headers)) }
        let result = { @Sendable in Reply.response(poster(posters.status(of: stream), headers)) }
        return .commission(
            Commission(
                longest: Load.longest,
                begin: { receive in
                    if !posters.wait(for: stream, { receive(result()) }) { receive(result()) }
                },
                expiry: result
            )
        )
    }

    private func poster(_ status: LivePosters.Status, _ headers: HTTPHeaders) -> Response {
        guard case .poster(let poster) = status else { return .noPoster }
        let form = Representation(
            type: .jpeg,
            coding: nil,
            policy: .brief(seconds: Int(LivePosters.lifetime.nanoseconds / 1_000_000_000)),
            tag: "\"\(poster.entityTag)\"",
            pieces: [poster.body]
        )
        return form.response(to: headers) { form.whole(headers) }
    }

    /// Where the picture of a live is; `nil` when it has none, or none yet: then one is made.
    func posterPath(of stream: LiveStream?, prefix: String) -> String? {
        guard let posters, let stream, case .poster = posters.status(of: stream) else { return nil }
        return Route.posterPath(stream.id, prefix: prefix)
    }

    /// What pages and the API tell of a live.
    func status(of id: StreamID, _ stream: LiveStream?, prefix: String = "") -> LiveStatus {
        LiveStatus(id: id, stream: stream, prefix: prefix, poster: posterPath(of: stream, prefix: prefix))
    }
}

extension Response {
    /// What a live without a picture gets.
    fileprivate static var noPoster: Response { .failure(.notFound, "There is no picture of this now.", on: .media) }
}
