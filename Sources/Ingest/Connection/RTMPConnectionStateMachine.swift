import MediaCore
import NIOCore

/// What a peer may do now, and what is answered: the commands of one connection after its handshake, without I/O.
///
/// ```
///                    connect                publish                 allowed                granted
/// waitingForConnect --------> connected ------------> authorizing ----------> claiming -----------> publishing
///                                 ^                        |  denied              |  busy               |
///                                 |                        v                      v                     |
///                                 |                     closing <--- end, from every state ---          |
///                                 +------------- FCUnpublish, deleteStream, closeStream ----------------+
///
///              play                          allowed            there is such a live
///    connected -----> authorizingPlay ----------------> joining ---------------------> playing
///        ^                   | denied                      | there is none                |
///        |                   v                             v                              |
///        |                closing                       closing                           |
///        +------------------------- deleteStream, closeStream ----------------------------+
/// ```
///
/// connect is read by ``ConnectRequest``; what the other messages of a publish hold is its ``PublishSession``'s; the commands
/// of players stand in a file of their own.
///
/// Invariants:
/// 1. After ``Effect/authorize(_:)``, ``Effect/claim(_:)`` and ``Effect/authorizePlay(_:)`` the caller delivers no message
///    before it has the answer; that to the last it has at once.
/// 2. ``Effect/beginPublish(_:)`` and ``Effect/endPublish(_:)`` alternate, beginning with the first; so do
///    ``Effect/join(_:messageStreamID:)`` and ``Effect/endPlay``.
/// 3. ``Effect/close(_:)`` comes once and last; after it every event is answered with nothing.
struct RTMPConnectionStateMachine {
    /// What the caller does, in order.
    enum Effect {
        case send(RTMPMessage)
        /// An encoder or a player has connected. The texts are the peer's.
        case connected(app: String, encoder: String)
        /// The peer's acknowledgement window is this now.
        case setWindow(UInt32)
        /// Answer with ``RTMPConnectionStateMachine/authorized(_:)``.
        case authorize(PublishRequest)
        /// Answer with ``RTMPConnectionStateMachine/claimed()`` or ``RTMPConnectionStateMachine/end(_:)``.
        case claim(StreamID)
        /// Answer with ``RTMPConnectionStateMachine/end(_:)`` when the time that the grant leaves is over.
        case beginPublish(PublishGrant)
        case endPublish(PublishEnd)
        /// Answer with ``RTMPConnectionStateMachine/playAuthorized(_:)``.
        case authorizePlay(PlayRequest)
        /// Answer with ``RTMPConnectionStateMachine/joined(_:)``. Media goes out after that answer's messages.
        case join(StreamID, messageStreamID: UInt32)
        case endPlay
        /// A message that has no meaning here, for the debug log.
        case ignored(String)
        /// Close when what was sent has gone out.
        case close(ConnectionEnd)
    }

    /// What a message is to the connection.
    enum Action {
        case audio(RTMPMessage)
        case video(RTMPMessage)
        /// Metadata and what else an encoder says at a moment of its stream.
        case data(RTMPMessage)
        /// Messages in a message, each to be received by itself.
        case messages(AggregateMessage)
        case perform([Effect])
    }

    enum State {
        case waitingForConnect
        case connected
        /// The authorizer is asked for the publish on this message stream.
        case authorizing(messageStreamID: UInt32)
        /// The authorizer has agreed; an earlier publisher of the stream may have to go first.
        case claiming(PublishGrant, messageStreamID: UInt32)
        /// Start was sent, media may come.
        case publishing(StreamID, messageStreamID: UInt32)
        /// The authorizer is asked for the play on this message stream.
        case authorizingPlay(StreamID, messageStreamID: UInt32)
        /// The authorizer has agreed; whether there is such a live is being looked up.
        case joining(StreamID, messageStreamID: UInt32)
        /// Start was sent, media goes out.
        case playing(StreamID, messageStreamID: UInt32)
        case closing
    }

    /// What we send in chunks of: every reply fits into one.
    private static let replyChunkSize: UInt32 = 4096

    var state = State.waitingForConnect
    var address = ConnectAddress(app: "", tcURL: "")
    private var capabilities: EnhancedCapabilities?
    /// Whether the encoder has sent FCPublish, and so waits for onFCPublish.
    private var hasAnnouncedPublish = false
    private var drain: DrainRequest?
    var messageStreams: Set<UInt32> = []
    private var createdMessageStreams: UInt32 = 0
    let peerAddress: String
    private let maximumMessageStreams: Int
    private let amfLimits: AMFLimits

    /// The machine of a connection whose handshake is over.
    init(peerAddress: String, maximumMessageStreams: Int, amfLimits: AMFLimits = AMFLimits()) {
        self.peerAddress = peerAddress
        self.maximumMessageStreams = maximumMessageStreams
        self.amfLimits = amfLimits
    }

    /// The application that the encoder has connected to.
    var app: String { address.app }

    // MARK: - What happens

    /// A message has come.
    ///
    /// - Throws: ``RTMPCommandError``; the caller answers it with ``end(_:)``.
    mutating func receive(_ message: RTMPMessage) throws(RTMPCommandError) -> Action {
        switch message.typeID {
        case RTMPMessage.TypeID.audio: return isPublishing ? .audio(message) : .perform([])
        case RTMPMessage.TypeID.video: return isPublishing ? .video(message) : .perform([])
        case RTMPMessage.TypeID.dataAMF0, RTMPMessage.TypeID.dataAMF3:
            return isPublishing ? .data(message) : .perform([])
        case RTMPMessage.TypeID.aggregate: return .messages(AggregateMessage(message))
        case RTMPMessage.TypeID.commandAMF0, RTMPMessage.TypeID.commandAMF3:
            return .perform(try receive(RTMPCommand(message, limits: amfLimits), on: message.messageStreamID))
        default:
            return .perform(receiveControl(message))
        }
    }

    /// Protocol control and user control messages (§5.4, §6.2), on whatever stream they come.
    private func receiveControl(_ message: RTMPMessage) -> [Effect] {
        let value = message.payload.getInteger(at: message.payload.readerIndex, as: UInt32.self)
        switch message.typeID {
        case RTMPMessage.TypeID.userControl: return receiveUserControl(message.payload)
        case RTMPMessage.TypeID.windowAcknowledgementSize: return value.map { [.setWindow($0)] } ?? []
        case RTMPMessage.TypeID.setPeerBandwidth:
            // §5.4.5: answered with our window where that is another; what we send never comes near to either.
            guard let value, value != AcknowledgementWindow.defaultSize else { return [] }
            return [.send(RTMPReply.windowAcknowledgementSize(AcknowledgementWindow.defaultSize))]
        case RTMPMessage.TypeID.acknowledgement: return []
        default: return [.ignored("message of type \(message.typeID)")]
        }
    }

    /// The authorizer has answered.
    mutating func authorized(_ decision: PublishDecision) -> [Effect] {
        guard case .authorizing(let messageStreamID) = state else { return [] }
        switch decision {
        case .allow(let grant):
            state = .claiming(grant, messageStreamID: messageStreamID)
            return [.claim(grant.stream)]
        case .deny(let refusal):
            return end(.refused(StreamStatus(refusal)))
        }
    }

    /// The stream is free for this connection.
    mutating func claimed() -> [Effect] {
        guard case .claiming(let grant, let messageStreamID) = state else { return [] }
        let stream = grant.stream
        state = .publishing(stream, messageStreamID: messageStreamID)
        let start = StreamStatus(code: .publishStart, description: "\(stream) is live")
        let streamBegin = UserControlEvent(type: UserControlEvent.EventType.streamBegin, value: messageStreamID)
        var effects: [Effect] = [.beginPublish(grant), .send(RTMPReply.userControl(streamBegin))]
        if hasAnnouncedPublish { effects.append(.send(RTMPReply.onFC("onFCPublish", start))) }
        effects.append(.send(RTMPReply.onStatus(start, messageStreamID: messageStreamID)))
        return effects + reconnectRequest
    }

    /// The server wants to be rid of its publishers, without hurting one.
    ///
    /// A publish goes on until its encoder leaves; one that knows how is asked to move.
    mutating func drain(_ request: DrainRequest) -> [Effect] {
        guard drain == nil else { return [] }
        drain = request
        switch state {
        case .waitingForConnect, .connected: return end(.drained)
        case .authorizing, .claiming, .authorizingPlay, .joining, .playing, .closing: return []
        case .publishing: return reconnectRequest
        }
    }

    private var reconnectRequest: [Effect] {
        guard let drain, capabilities?.contains(.reconnect) == true else { return [] }
        return [.send(RTMPReply.reconnectRequest(tcURL: drain.tcURL))]
    }

    /// The connection has to end, for whatever reason.
    mutating func end(_ end: ConnectionEnd) -> [Effect] {
        var effects: [Effect] = []
        switch state {
        case .publishing: effects.append(.endPublish(end.publishEnd))
        case .joining, .playing: effects.append(.endPlay)
        default: break
        }
        switch state {
        case .closing: return []
        case .waitingForConnect: break
        case .connected, .authorizing, .claiming, .publishing, .authorizingPlay, .joining, .playing:
            guard let status = end.status else { break }
            effects.append(.send(RTMPReply.onStatus(status, messageStreamID: currentMessageStreamID)))
        }
        if case .playing(_, let messageStreamID) = state, end.status != nil {
            let streamEOF = UserControlEvent(type: UserControlEvent.EventType.streamEOF, value: messageStreamID)
            effects.append(.send(RTMPReply.userControl(streamEOF)))
        }
        state = .closing
        return effects + [.close(end)]
    }

    // MARK: - Commands

    private mutating func receive(
        _ command: RTMPCommand,
        on messageStreamID: UInt32
    ) throws(RTMPCommandError) -> [Effect] {
        if case .closing = state { return [] }
        if case .waitingForConnect = state, command.name != "connect" {
            throw .beforeConnect(command: command.name.printable)
        }
        switch command.name {
        case "connect": return try connect(command)
        case "createStream": return try createStream(command)
        case "publish": return try publish(command, on: messageStreamID)
        case "FCPublish":
            hasAnnouncedPublish = true
            return reply(to: command, .undefined)
        case "releaseStream", "_checkbw": return reply(to: command, .undefined)
        case "getStreamLength": return reply(to: command, .number(0))
        case "FCUnpublish": return unpublish()
        case "closeStream": return closeStream(messageStreamID)
        case "deleteStream": return deleteStream(command)
        case "play": return try play(command, on: messageStreamID)
        // librtmp asks for it before play, and goes on without an answer.
        case "FCSubscribe": return []
        default: return [.ignored("command \(command.name.printable)")]
        }
    }

    /// connect (RTMP 1.0 §7.2.1.1).
    ///
    /// Any app is taken: the stream key says everything.
    private mutating func connect(_ command: RTMPCommand) throws(RTMPCommandError) -> [Effect] {
        guard case .waitingForConnect = state else { throw .connectedAlready }
        state = .connected
        let request = ConnectRequest(command.arguments.first)
        address = request.address
        capabilities = request.capabilities
        return [
            .connected(app: address.app, encoder: request.encoder),
            .send(RTMPReply.windowAcknowledgementSize(AcknowledgementWindow.defaultSize)),
            .send(RTMPReply.setPeerBandwidth(AcknowledgementWindow.defaultSize)),
            .send(RTMPReply.setChunkSize(Self.replyChunkSize)),
            .send(RTMPReply.connected(transaction: command.transaction, isEnhanced: capabilities != nil)),
        ]
    }

    /// createStream (§7.2.1.3).
    ///
    /// Streams are numbered from 1: some encoders use 1 without looking.
    private mutating func createStream(_ command: RTMPCommand) throws(RTMPCommandError) -> [Effect] {
        guard createdMessageStreams < maximumMessageStreams else {
            throw .tooManyMessageStreams(allowed: maximumMessageStreams)
        }
        createdMessageStreams += 1
        messageStreams.insert(createdMessageStreams)
        return [.send(RTMPReply.result(transaction: command.transaction, .number(Double(createdMessageStreams))))]
    }

    /// publish (§7.2.2.6): null, the name, and "live", "record" or "append", which are all the same here.
    private mutating func publish(
        _ command: RTMPCommand,
        on messageStreamID: UInt32
    ) throws(RTMPCommandError) -> [Effect] {
        // Some hardware publishes on 0, or on 1 without createStream.
        guard messageStreamID <= 1 || messageStreams.contains(messageStreamID) else {
            throw .unknownMessageStream(messageStreamID)
        }
        guard case .connected = state else {
            // The first publish goes on; the second hears why it does not begin.
            let status = StreamStatus(code: .publishBadName, description: "this connection publishes already")
            return [.send(RTMPReply.onStatus(status, messageStreamID: messageStreamID))]
        }
        let publish = PublishAddress(name: command.arguments.dropFirst().first?.string ?? "", in: address)
        guard !publish.key.isEmpty else {
            let words =
                "the stream key is empty: enter it in the encoder's settings, or after the last / of the address"
            return refuse(.publishBadName, words, on: messageStreamID)
        }
        state = .authorizing(messageStreamID: messageStreamID)
        let request = PublishRequest(
            app: address.app,
            streamKey: Secret(publish.key),
            query: Secret(publish.query),
            peerAddress: peerAddress
        )
        return [.authorize(request)]
    }

    mutating func refuse(_ code: StreamStatus.Code, _ words: String, on messageStreamID: UInt32) -> [Effect] {
        // The answer goes out on the message stream that was asked on.
        if case .connected = state { state = .authorizing(messageStreamID: messageStreamID) }
        return end(.refused(StreamStatus(code: code, description: words)))
    }

    private func reply(to command: RTMPCommand, _ value: AMF0Value) -> [Effect] {
        guard command.transaction != 0 else { return [] }
        return [.send(RTMPReply.result(transaction: command.transaction, value))]
    }

    // MARK: - The end of a publish

    /// FCUnpublish, which no document defines: librtmp and ffmpeg send it first of all when they stop.
    private mutating func unpublish() -> [Effect] {
        guard case .publishing(let stream, let messageStreamID) = state else { return [] }
        state = .connected
        let status = StreamStatus(code: .unpublishSuccess, description: "\(stream) has ended")
        var effects: [Effect] = [.endPublish(.clean)]
        if hasAnnouncedPublish { effects.append(.send(RTMPReply.onFC("onFCUnpublish", status))) }
        effects.append(.send(RTMPReply.onStatus(status, messageStreamID: messageStreamID)))
        hasAnnouncedPublish = false
        return drain == nil ? effects : effects + end(.drained)
    }

    private mutating func closeStream(_ messageStreamID: UInt32) -> [Effect] {
        guard currentMessageStreamID == messageStreamID else { return [] }
        if case .playing(let stream, _) = state { return stopPlay(of: stream, messageStreamID) }
        return unpublish()
    }

    /// deleteStream (§7.2.2.3).
    ///
    /// GStreamer 1.22 sends the stream key where the number belongs: it has one stream only.
    private mutating func deleteStream(_ command: RTMPCommand) -> [Effect] {
        guard let number = command.arguments.dropFirst().first?.number else {
            return closeStream(currentMessageStreamID)
        }
        guard let id = UInt32(exactly: number) else { return [] }
        messageStreams.remove(id)
        return closeStream(id)
    }

    // MARK: - Other messages

    private func receiveUserControl(_ body: ByteBuffer) -> [Effect] {
        guard let event = UserControlEvent(body), event.type == UserControlEvent.EventType.pingRequest else {
            return []
        }
        let response = UserControlEvent(type: UserControlEvent.EventType.pingResponse, value: event.value)
        return [.send(RTMPReply.userControl(response))]
    }

    private var isPublishing: Bool {
        if case .publishing = state { true } else { false }
    }

    /// The message stream that the publish or the play is on, 0 when there is none.
    var currentMessageStreamID: UInt32 {
        switch state {
        case .authorizing(let id), .claiming(_, let id), .publishing(_, let id): id
        case .authorizingPlay(_, let id), .joining(_, let id), .playing(_, let id): id
        case .waitingForConnect, .connected, .closing: 0
        }
    }
}

extension String {
    /// A peer's text as it may go into a log: one line, and not more than a name needs.
    var printable: String {
        String(unicodeScalars.prefix(128).map { $0.properties.isPrintable ? Character($0) : "?" })
    }
}

extension Unicode.Scalar.Properties {
    fileprivate var isPrintable: Bool {
        switch generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        default: true
        }
    }
}
