import MediaCore
import NIOCore

/// The commands that a publisher sends (RTMP 1.0 §7.2), in the form and the order that servers know from FMLE.
enum RTMPRequest {
    private static let commandChunkStreamID = 3

    /// connect (§7.2.1.1), with what Enhanced RTMP v2 adds: every codec may come, and we move when asked.
    static func connect(to target: PushTarget, transaction: Double) -> RTMPMessage {
        command(
            "connect",
            transaction,
            .object([
                AMF0Property("app", .string(target.app)),
                AMF0Property("type", .string("nonprivate")),
                // Some services only take what calls itself so.
                AMF0Property("flashVer", .string("FMLE/3.0 (compatible; Lyceum)")),
                AMF0Property("tcUrl", .string("\(target)")),
                AMF0Property("fourCcList", .strictArray([.string("*")])),
                AMF0Property("capsEx", .number(Double(EnhancedCapabilities.ofServer.rawValue))),
            ])
        )
    }

    static func releaseStream(_ key: Secret) -> RTMPMessage {
        command("releaseStream", 2, .null, .string(key.revealed))
    }

    static func fcPublish(_ key: Secret) -> RTMPMessage { command("FCPublish", 3, .null, .string(key.revealed)) }

    /// createStream (§7.2.1.3).
    static func createStream(transaction: Double) -> RTMPMessage { command("createStream", transaction, .null) }

    /// publish (§7.2.2.6).
    static func publish(_ key: Secret, transaction: Double, on messageStreamID: UInt32) -> RTMPMessage {
        var message = command("publish", transaction, .null, .string(key.revealed), .string("live"))
        message.messageStreamID = messageStreamID
        return message
    }

    static func fcUnpublish(_ key: Secret) -> RTMPMessage { command("FCUnpublish", 6, .null, .string(key.revealed)) }

    /// deleteStream (§7.2.2.3).
    static func deleteStream(_ messageStreamID: UInt32) -> RTMPMessage {
        command("deleteStream", 7, .null, .number(Double(messageStreamID)))
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
