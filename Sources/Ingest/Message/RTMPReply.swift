import MediaCore
import NIOCore

/// The messages that a server sends, in the form that librtmp, ffmpeg and GStreamer understand.
enum RTMPReply {
    /// The chunk streams we use: 2 is prescribed for control messages (RTMP 1.0 §5.4), the others are habit.
    private static let controlChunkStreamID = 2
    private static let commandChunkStreamID = 3
    private static let statusChunkStreamID = 5

    // MARK: - Control messages (§5.4, §7.1.7)

    static func setChunkSize(_ size: UInt32) -> RTMPMessage {
        control(RTMPMessage.TypeID.setChunkSize, ByteBuffer(integer: size))
    }

    static func acknowledgement(_ sequenceNumber: UInt32) -> RTMPMessage {
        control(RTMPMessage.TypeID.acknowledgement, ByteBuffer(integer: sequenceNumber))
    }

    static func windowAcknowledgementSize(_ size: UInt32) -> RTMPMessage {
        control(RTMPMessage.TypeID.windowAcknowledgementSize, ByteBuffer(integer: size))
    }

    /// With limit type 2, "dynamic".
    static func setPeerBandwidth(_ size: UInt32) -> RTMPMessage {
        var body = ByteBuffer(integer: size)
        body.writeInteger(UInt8(2))
        return control(RTMPMessage.TypeID.setPeerBandwidth, body)
    }

    static func userControl(_ event: UserControlEvent) -> RTMPMessage {
        var body = ByteBuffer()
        body.writeMultipleIntegers(event.type, event.value)
        return control(RTMPMessage.TypeID.userControl, body)
    }

    // MARK: - Commands (§7.2)

    /// The answer to connect.
    ///
    /// We write AMF 0 only, whatever object encoding was asked for.
    ///
    /// - Parameters:
    ///   - transaction: the one of connect.
    ///   - isEnhanced: whether the client spoke of Enhanced RTMP; to others its words might be strange.
    /// - Returns: the message.
    static func connected(transaction: Double, isEnhanced: Bool) -> RTMPMessage {
        let enhancements = isEnhanced ? enhancements : []
        return command(
            "_result",
            transaction,
            .object(
                [
                    AMF0Property("fmsVer", .string("FMS/3,5,1,1")),
                    AMF0Property("capabilities", .number(31)),
                    AMF0Property("mode", .number(1)),
                ] + enhancements
            ),
            // Clients look for the enhancements in either object.
            .object(
                [
                    AMF0Property("level", .string("status")),
                    AMF0Property("code", .string("NetConnection.Connect.Success")),
                    AMF0Property("description", .string("connected")),
                    AMF0Property("objectEncoding", .number(0)),
                ] + enhancements
            )
        )
    }

    /// What this server understands (Enhanced RTMP v2, "Enhancing NetConnection connect Command").
    private static var enhancements: [AMF0Property] {
        let video = ["avc1", "hvc1", "av01", "vp09"]
        let audio = ["mp4a", "Opus", "fLaC", "ac-3", "ec-3", ".mp3"]
        // 4, "can forward": they go on to viewers as they came.
        func map(_ names: [String]) -> AMF0Value { .object(names.map { AMF0Property($0, .number(4)) }) }
        return [
            AMF0Property("fourCcList", .strictArray((video + audio).map(AMF0Value.string))),
            AMF0Property("videoFourCcInfoMap", map(video)),
            AMF0Property("audioFourCcInfoMap", map(audio)),
            AMF0Property("capsEx", .number(Double(EnhancedCapabilities.ofServer.rawValue))),
        ]
    }

    /// Asks a client to connect again, here or elsewhere (Enhanced RTMP v2, "Reconnect Request").
    ///
    /// - Parameter tcURL: where to; `nil` for the address that it has.
    /// - Returns: the message.
    static func reconnectRequest(tcURL: String?) -> RTMPMessage {
        let information = [
            AMF0Property("level", .string("status")),
            AMF0Property("code", .string("NetConnection.Connect.ReconnectRequest")),
            AMF0Property("description", .string("this server is being drained")),
        ]
        return command(
            "onStatus",
            0,
            .null,
            .object(information + (tcURL.map { [AMF0Property("tcUrl", .string($0))] } ?? []))
        )
    }

    /// What Flash Media Server tells of FCPublish and FCUnpublish; FMLE waits for it.
    static func onFC(_ name: String, _ status: StreamStatus) -> RTMPMessage {
        command(
            name,
            0,
            .null,
            .object([
                AMF0Property("code", .string(status.code.rawValue)),
                AMF0Property("description", .string(status.description)),
            ])
        )
    }

    /// The answer to a command that has nothing to say but, perhaps, a value.
    static func result(transaction: Double, _ value: AMF0Value = .undefined) -> RTMPMessage {
        command("_result", transaction, .null, value)
    }

    /// The event of a message stream (§7.2.2).
    ///
    /// librtmp and OBS show the description of those that end a publish.
    static func onStatus(_ status: StreamStatus, messageStreamID: UInt32) -> RTMPMessage {
        var message = command(
            "onStatus",
            0,
            .null,
            .object([
                AMF0Property("level", .string(status.isError ? "error" : "status")),
                AMF0Property("code", .string(status.code.rawValue)),
                AMF0Property("description", .string(status.description)),
            ])
        )
        message.chunkStreamID = statusChunkStreamID
        message.messageStreamID = messageStreamID
        return message
    }

    /// What a Flash player may read of the samples: librtmp and others expect it before a live's media.
    static func sampleAccess(messageStreamID: UInt32) -> RTMPMessage {
        var body = ByteBuffer()
        body.writeAMF0([.string("|RtmpSampleAccess"), .boolean(true), .boolean(true)])
        return RTMPMessage(
            chunkStreamID: statusChunkStreamID,
            timestamp: 0,
            typeID: RTMPMessage.TypeID.dataAMF0,
            messageStreamID: messageStreamID,
            payload: body
        )
    }

    private static func control(_ typeID: UInt8, _ body: ByteBuffer) -> RTMPMessage {
        RTMPMessage(
            chunkStreamID: controlChunkStreamID,
            timestamp: 0,
            typeID: typeID,
            messageStreamID: 0,
            payload: body
        )
    }

    private static func command(_ name: String, _ transaction: Double, _ values: AMF0Value...) -> RTMPMessage {
        var body = ByteBuffer()
        body.writeAMF0([.string(name), .number(transaction)] + values)
        return RTMPMessage(
            chunkStreamID: commandChunkStreamID,
            timestamp: 0,
            typeID: RTMPMessage.TypeID.commandAMF0,
            messageStreamID: 0,
            payload: body
        )
    }
}

/// What onStatus tells an encoder or a player.
struct StreamStatus: Hashable {
    /// The codes we send.
    ///
    /// OBS gives up with the description on all of them but the first two; ffmpeg on any error.
    enum Code: String {
        case publishStart = "NetStream.Publish.Start"
        case unpublishSuccess = "NetStream.Unpublish.Success"
        /// The name is taken or is none.
        case publishBadName = "NetStream.Publish.BadName"
        /// The credentials are wrong.
        case publishDenied = "NetStream.Publish.Denied"
        /// The media is in a form that is not taken, or the server has too much to do.
        case publishRejected = "NetStream.Publish.Rejected"
        case playReset = "NetStream.Play.Reset"
        case playStart = "NetStream.Play.Start"
        case playStop = "NetStream.Play.Stop"
        /// The live that is played is over.
        case playUnpublishNotify = "NetStream.Play.UnpublishNotify"
        case playStreamNotFound = "NetStream.Play.StreamNotFound"
        case playFailed = "NetStream.Play.Failed"
        case failed = "NetStream.Failed"
        case appShutdown = "NetConnection.Connect.AppShutdown"
    }

    let code: Code
    let description: String

    init(code: Code, description: String) {
        self.code = code
        self.description = description
    }

    /// The refusal of a publish.
    init(_ refusal: PublishRefusal) {
        let code: Code =
            switch refusal.kind {
            case .denied: .publishDenied
            case .badName: .publishBadName
            case .overloaded: .publishRejected
            }
        self.init(code: code, description: refusal.reason)
    }

    /// The encoder before this one is not gone yet.
    static let streamBusy = StreamStatus(
        code: .publishBadName,
        description: "the stream is busy: the encoder before this one has not let go of it"
    )

    /// Two encoders take one stream from each other.
    static let streamContested = StreamStatus(
        code: .publishBadName,
        description: "another encoder is publishing with this key and comes back each time: stop one of the two"
    )

    /// Whether it is the answer to a player.
    var isAboutPlay: Bool { code == .playFailed || code == .playStreamNotFound }

    /// Whether the level is "error": then ffmpeg stops with the description.
    var isError: Bool {
        switch code {
        case .publishStart, .unpublishSuccess, .playReset, .playStart, .playStop, .playUnpublishNotify: false
        default: true
        }
    }
}
