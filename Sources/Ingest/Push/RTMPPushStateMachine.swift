import MediaCore
import NIOCore

/// What is said to a server that a live is pushed to: the commands of one connection after its handshake, without I/O.
///
/// ```
///            start              _result                 _result                 Publish.Start
/// idle ---------> connecting ---------> creatingStream ---------> publishing -----------------> live
///                     |                      |                         |                          |
///                     +------- _error, an onStatus that refuses, an end from our side -----------+--> closing
/// ```
///
/// Invariants:
/// 1. ``Effect/beginMedia(messageStreamID:)`` comes at most once, and media goes out only after it.
/// 2. ``Effect/close(_:)`` comes once and last; after it every event is answered with nothing.
struct RTMPPushStateMachine {
    /// What the caller does, in order.
    enum Effect {
        case send(RTMPMessage)
        /// The server's acknowledgement window is this now.
        case setWindow(UInt32)
        case beginMedia(messageStreamID: UInt32)
        /// Close when what was sent has gone out.
        case close(PushEnd)
    }

    private enum State {
        case idle
        case connecting
        case creatingStream
        case publishing(messageStreamID: UInt32)
        case live(messageStreamID: UInt32)
        case closing
    }

    /// The transactions of the commands that are answered.
    private enum Transaction {
        static let connect = 1.0
        static let createStream = 4.0
        static let publish = 5.0
    }

    /// What we send in chunks of: every server takes it, and few messages need a second one.
    private static let chunkSize: UInt32 = 65_536

    private var state = State.idle
    private let target: PushTarget
    private let amfLimits: AMFLimits

    /// The machine of a connection whose handshake is over.
    init(_ target: PushTarget, amfLimits: AMFLimits = AMFLimits()) {
        self.target = target
        self.amfLimits = amfLimits
    }

    // MARK: - What happens

    /// The handshake is over.
    mutating func start() -> [Effect] {
        guard case .idle = state else { return [] }
        state = .connecting
        return [
            .send(RTMPReply.setChunkSize(Self.chunkSize)),
            .send(RTMPRequest.connect(to: target, transaction: Transaction.connect)),
        ]
    }

    /// A message has come.
    ///
    /// - Throws: ``RTMPCommandError``; the caller answers it with ``end(_:)``.
    mutating func receive(_ message: RTMPMessage) throws(RTMPCommandError) -> [Effect] {
        if case .closing = state { return [] }
        let value = message.payload.getInteger(at: message.payload.readerIndex, as: UInt32.self)
        switch message.typeID {
        case RTMPMessage.TypeID.commandAMF0, RTMPMessage.TypeID.commandAMF3:
            return receive(try RTMPCommand(message, limits: amfLimits))
        case RTMPMessage.TypeID.windowAcknowledgementSize: return value.map { [.setWindow($0)] } ?? []
        case RTMPMessage.TypeID.setPeerBandwidth:
            // §5.4.5: the server limits what may be on its way unacknowledged, and wants to hear that we know.
            return value.map { [.send(RTMPReply.windowAcknowledgementSize($0))] } ?? []
        case RTMPMessage.TypeID.userControl:
            guard let event = UserControlEvent(message.payload), event.type == UserControlEvent.EventType.pingRequest
            else { return [] }
            let response = UserControlEvent(type: UserControlEvent.EventType.pingResponse, value: event.value)
            return [.send(RTMPReply.userControl(response))]
        default: return []
        }
    }

    /// The connection has to end.
    ///
    /// A publish is ended properly, so that the server need not wait for us to come back.
    mutating func end(_ end: PushEnd) -> [Effect] {
        defer { state = .closing }
        switch state {
        case .closing: return []
        case .idle, .connecting, .creatingStream: return [.close(end)]
        case .publishing(let id), .live(let id):
            guard end == .finished else { return [.close(end)] }
            return [
                .send(RTMPRequest.fcUnpublish(target.streamKey)),
                .send(RTMPRequest.deleteStream(id)),
                .close(end),
            ]
        }
    }

    // MARK: - Commands

    private mutating func receive(_ command: RTMPCommand) -> [Effect] {
        switch (command.name, state) {
        case ("_result", .connecting) where command.transaction == Transaction.connect:
            state = .creatingStream
            return [
                // Some servers, and Flash Media Server above all, want to hear of the stream before it is made.
                .send(RTMPRequest.releaseStream(target.streamKey)),
                .send(RTMPRequest.fcPublish(target.streamKey)),
                .send(RTMPRequest.createStream(transaction: Transaction.createStream)),
            ]
        case ("_result", .creatingStream) where command.transaction == Transaction.createStream:
            // 1 is what a server means that says nothing.
            let number = command.arguments.dropFirst().first?.number ?? 1
            let id = UInt32(exactly: number) ?? 1
            state = .publishing(messageStreamID: id)
            return [.send(RTMPRequest.publish(target.streamKey, transaction: Transaction.publish, on: id))]
        case ("_error", .connecting) where command.transaction == Transaction.connect,
            ("_error", .creatingStream) where command.transaction == Transaction.createStream,
            ("_error", .publishing) where command.transaction == Transaction.publish:
            return end(.refused(Self.words(of: command)))
        case ("onStatus", _): return receiveStatus(command)
        case ("close", _): return end(.refused("the server ended the connection"))
        default: return []
        }
    }

    private mutating func receiveStatus(_ command: RTMPCommand) -> [Effect] {
        let information = command.arguments.last
        let code = information?["code"]?.string ?? ""
        switch (code, state) {
        case ("NetStream.Publish.Start", .publishing(let id)):
            state = .live(messageStreamID: id)
            return [.beginMedia(messageStreamID: id)]
        case ("NetConnection.Connect.ReconnectRequest", _):
            // Enhanced RTMP v2, "Reconnect Request": without an address the same one is meant.
            let url = information?["tcUrl"]?.string
            return end(.moved(to: url.flatMap(target.moved)))
        default:
            let isError = information?["level"]?.string == "error" || code.hasSuffix(".BadName")
            return isError ? end(.refused(Self.words(of: command))) : []
        }
    }

    private static func words(of command: RTMPCommand) -> String {
        let information = command.arguments.last
        let words = [information?["code"]?.string, information?["description"]?.string].compactMap(\.self)
        return words.isEmpty ? "the server refused without a reason" : words.joined(separator: ": ").printable
    }
}

/// Why a connection to a server that a live is pushed to comes to its end.
enum PushEnd: Hashable, CustomStringConvertible {
    /// The live is over, or is not pushed there any more.
    case finished
    /// The server does not want the stream.
    case refused(String)
    /// The server asks to connect again, elsewhere if it says where.
    case moved(to: PushTarget?)
    /// What the server sends is not RTMP.
    case protocolError(String)
    /// There is no connection, or no more.
    case disconnected(String)
    /// The server took too long.
    case timedOut(String)

    var description: String {
        switch self {
        case .finished: "the live is over"
        case .refused(let words): words
        case .moved: "the server asked to connect again"
        case .protocolError(let words): "the server does not speak RTMP properly: \(words)"
        case .disconnected(let words): words
        case .timedOut(let words): words
        }
    }
}
