import MediaCore
import NIOCore

/// One reader's way from its inbox to chunks: a player's play, or the push of a live to another server.
///
/// Bound to the reader's event loop.
final class PlaySession {
    /// A turn of the live, which the reader's connection has to heed before it goes on.
    enum Turn {
        case interrupted, resumed, ended
    }

    /// How much is made into chunks at a time.
    private static let batch = 64 << 10

    let stream: StreamID
    let subscription: RelaySubscription
    /// The payload bytes of the messages so far.
    private(set) var bytes = 0
    private let messageStreamID: UInt32
    private let prepare: (inout RTMPMessage) -> Void
    private var events = ArraySlice<RelaySubscription.Event>()

    /// A session that has read nothing yet.
    ///
    /// - Parameters:
    ///   - stream: the live.
    ///   - subscription: the inbox.
    ///   - messageStreamID: where its messages go.
    ///   - prepare: what else is to be changed in each message.
    init(
        _ stream: StreamID,
        _ subscription: RelaySubscription,
        messageStreamID: UInt32,
        prepare: @escaping (inout RTMPMessage) -> Void = { _ in }
    ) {
        self.stream = stream
        self.subscription = subscription
        self.messageStreamID = messageStreamID
        self.prepare = prepare
    }

    /// The next messages as chunks.
    ///
    /// - Parameters:
    ///   - turn: set when the messages lead up to a turn of the live.
    ///   - encoder: the connection's.
    /// - Returns: the chunks; `nil` when there are none, and the subscription calls when there are more.
    func next(_ turn: inout Turn?, encoder: inout RTMPChunkEncoder) -> ByteBuffer? {
        if events.isEmpty { events = subscription.take(upTo: Self.batch)[...] }
        guard !events.isEmpty else { return nil }
        var output = ByteBuffer()
        while turn == nil, let event = events.popFirst() {
            switch event {
            case .message(var message):
                message.messageStreamID = messageStreamID
                prepare(&message)
                bytes += message.payload.readableBytes
                encoder.write(message, to: &output)
            case .interrupted: turn = .interrupted
            case .resumed: turn = .resumed
            case .ended: turn = .ended
            }
        }
        return output
    }
}

/// Bound to the reader's event loop.
@available(*, unavailable)
extension PlaySession: Sendable {}
