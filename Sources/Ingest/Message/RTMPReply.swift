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
    /// We speak AMF 0 only, whatever object encoding was asked for.
    static func connected(transaction: Double) -> RTMPMessage {
        command(
            "_result",
            transaction,
            .object([
                AMF0Property("fmsVer", .string("FMS/3,5,1,1")),
                AMF0Property("capabilities", .number(31)),
                AMF0Property("mode", .number(1)),
            ]),
            .object([
                AMF0Property("level", .string("status")),
                AMF0Property("code", .string("NetConnection.Connect.Success")),
                AMF0Property("description", .string("connected")),
                AMF0Property("objectEncoding", .number(0)),
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

/// What onStatus tells an encoder.
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
        /// The media is in a form that is not taken.
        case publishRejected = "NetStream.Publish.Rejected"
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
        self.init(code: refusal.kind == .denied ? .publishDenied : .publishBadName, description: refusal.reason)
    }

    /// Whether the level is "error": then ffmpeg stops with the description.
    var isError: Bool { code != .publishStart && code != .unpublishSuccess }
}
