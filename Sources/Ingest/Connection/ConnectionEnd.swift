import MediaCore
import NIOCore

/// Why a connection comes to its end, in words for the log and, where it still listens, for the encoder.
enum ConnectionEnd: Hashable, CustomStringConvertible {
    /// The peer closed the connection or the network did.
    case peerClosed
    case handshake(RTMPHandshakeError)
    case chunk(RTMPChunkError)
    case command(RTMPCommandError)
    case media(MediaTagError)
    /// The answer to publish or play was no.
    case refused(StreamStatus)
    case timedOut(Phase)
    /// Replies pile up.
    case peerDoesNotRead(allowed: Int)
    case takenOver
    case serverStopped
    /// The server takes no new publishes any more.
    case drained
    /// The grant was for a time, which is over.
    case timeLimitReached
    /// An operator has ended the publish.
    case endedByOperator
    /// What was played is over.
    case liveEnded

    /// What a peer had too long for.
    enum Phase: Hashable {
        case handshake(TimeAmount)
        case publish(TimeAmount)
        case media(TimeAmount)
        /// To take some of what it plays.
        case play(TimeAmount)
        /// To come back, for the encoder of what is played.
        case encoderGone(TimeAmount)
    }

    var description: String {
        switch self {
        case .peerClosed: "the encoder closed the connection"
        case .handshake(let error): error.description
        case .chunk(let error): error.description
        case .command(let error): error.description
        case .media(let error): error.description
        case .refused(let status): status.description
        case .timedOut(.handshake(let allowed)): "no complete handshake within \(allowed.inSeconds) s"
        case .timedOut(.publish(let allowed)): "no accepted publish or play within \(allowed.inSeconds) s"
        case .timedOut(.media(let allowed)): "nothing came from the encoder for \(allowed.inSeconds) s"
        case .timedOut(.play(let allowed)): "the player took nothing for \(allowed.inSeconds) s"
        case .timedOut(.encoderGone(let allowed)): "the encoder has not come back for \(allowed.inSeconds) s"
        case .peerDoesNotRead(let allowed): "the peer does not read: more than \(allowed) bytes of replies wait for it"
        case .takenOver: "another encoder has taken this stream over"
        case .serverStopped: "the server is stopping"
        case .drained: "this server is being drained: connect again"
        case .timeLimitReached: "the time for this stream is over"
        case .endedByOperator: "this stream was ended by the operator of the server"
        case .liveEnded: "the live has ended"
        }
    }

    /// What the end of the connection is to the live that was published on it.
    var publishEnd: PublishEnd {
        switch self {
        case .serverStopped, .timeLimitReached, .endedByOperator: .clean
        default: .interrupted
        }
    }

    /// What the encoder is told before the connection closes; `nil` when it does not listen or does not speak RTMP.
    var status: StreamStatus? {
        switch self {
        case .peerClosed, .handshake, .peerDoesNotRead, .timedOut(.handshake), .timedOut(.play): nil
        case .liveEnded, .timedOut(.encoderGone): StreamStatus(code: .playUnpublishNotify, description: description)
        case .chunk, .command, .media(.clockOutOfRange), .timedOut:
            StreamStatus(code: .failed, description: description)
        case .media(.unsupportedCodec): StreamStatus(code: .publishRejected, description: description)
        case .refused(let status): status
        // On this code OBS stops and shows the words, instead of connecting again.
        case .takenOver, .timeLimitReached, .endedByOperator:
            StreamStatus(code: .publishBadName, description: description)
        case .serverStopped, .drained: StreamStatus(code: .appShutdown, description: description)
        }
    }
}

extension TimeAmount {
    /// The time in seconds.
    var inSeconds: Double { Double(nanoseconds) / 1_000_000_000 }
}
