import Cryptography
public import MediaCore
public import NIOCore

/// A stream and the secret that lets an encoder publish it.
public struct PublishKey: Sendable {
    /// The stream.
    public let stream: StreamID
    /// What the encoder sends as its stream key.
    ///
    /// Not empty.
    public let secret: Secret

    /// The key of a stream.
    public init(stream: StreamID, secret: Secret) {
        self.stream = stream
        self.secret = secret
    }
}

/// Lets those publish who send one of a list of keys; which one says which stream.
public struct PublishKeysAuthorizer: PublishAuthorizer {
    private let keys: [(stream: StreamID, secret: [UInt8])]

    /// An authorizer with its keys.
    ///
    /// Those with an empty secret let nobody in.
    public init(keys: [PublishKey]) {
        self.keys = keys.map { ($0.stream, Array($0.secret.revealed.utf8)) }.filter { !$0.secret.isEmpty }
    }

    /// Allows a known key; denies every other.
    ///
    /// - Complexity: O(keys), always: the time it takes does not tell which key was nearly right.
    public func authorize(
        _ request: PublishRequest,
        on eventLoop: any EventLoop
    ) -> EventLoopFuture<PublishDecision> {
        let offered = Array(request.streamKey.revealed.utf8)
        var stream: StreamID?
        for key in keys where ConstantTime.isEqual(key.secret, offered) { stream = key.stream }
        let decision = stream.map { PublishDecision.allow(PublishGrant($0)) }
        return eventLoop.makeSucceededFuture(
            decision ?? .deny(PublishRefusal(reason: "the stream key is wrong: check it in the encoder"))
        )
    }
}
