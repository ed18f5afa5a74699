public import MediaCore
public import NIOCore

/// Lets everybody publish: the stream key is the stream's name.
///
/// For trials on a network that is trusted.
public struct OpenPublishAuthorizer: PublishAuthorizer {
    /// An authorizer that asks for no secret.
    public init() {}

    /// Allows every key that is a stream name; denies others with the rule in words.
    public func authorize(
        _ request: PublishRequest,
        on eventLoop: any EventLoop
    ) -> EventLoopFuture<PublishDecision> {
        guard let stream = StreamID(request.streamKey.revealed) else {
            let rule =
                "letters a-z and A-Z, digits, '-', '_' and '.', not first, at most \(StreamID.maximumLength) in all"
            let refusal = PublishRefusal(.badName, reason: "the stream key is no stream name: use \(rule)")
            return eventLoop.makeSucceededFuture(.deny(refusal))
        }
        return eventLoop.makeSucceededFuture(.allow(PublishGrant(stream)))
    }
}
