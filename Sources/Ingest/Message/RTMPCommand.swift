import NIOCore

/// A command message (RTMP 1.0 §7.1.1): a name, a transaction number, a command object or null, and arguments.
struct RTMPCommand: Hashable {
    let name: String
    /// What a reply refers to; 0 asks for none.
    ///
    /// GStreamer sends 0 where others count.
    let transaction: Double
    /// The command object and what follows it.
    let arguments: [AMF0Value]

    /// Reads a command from the payload of a message of type 20, or of type 17 with a format byte of 0 in front.
    init(_ message: RTMPMessage, limits: AMFLimits = AMFLimits()) throws(RTMPCommandError) {
        let values: [AMF0Value]
        do {
            values = try AMF0Decoder.values(in: message.amf0Payload, limits: limits)
        } catch {
            throw .malformed(error)
        }
        guard let name = values.first?.string else { throw .unnamed }
        self.name = name
        // A missing or odd transaction number is no reason to lose a stream: nobody then waits for a reply.
        transaction = values.dropFirst().first?.number ?? 0
        arguments = Array(values.dropFirst(2))
    }
}

extension RTMPMessage {
    /// The payload behind the format byte that messages of AMF 3 begin with: 0 says that AMF 0 follows, with a marker in
    /// front of each value that is in AMF 3.
    ///
    /// Some encoders leave the byte out; no command or data begins with an AMF 0 number, whose marker it would be.
    var amf0Payload: ByteBuffer {
        var payload = payload
        let isAMF3 = typeID == TypeID.commandAMF3 || typeID == TypeID.dataAMF3
        if isAMF3, payload.getInteger(at: payload.readerIndex, as: UInt8.self) == 0 {
            payload.moveReaderIndex(forwardBy: 1)
        }
        return payload
    }
}

/// Why a peer's commands end its connection.
enum RTMPCommandError: Error, Hashable, CustomStringConvertible {
    /// The body is not AMF 0.
    case malformed(AMFError)
    /// The body does not begin with a name.
    case unnamed
    /// A command that needs a connection came before connect.
    case beforeConnect(command: String)
    /// connect came twice.
    case connectedAlready
    /// publish on a message stream that createStream did not give out.
    case unknownMessageStream(UInt32)
    /// createStream more often than is taken.
    case tooManyMessageStreams(allowed: Int)

    var description: String {
        switch self {
        case .malformed(let error): "command: \(error)"
        case .unnamed: "command without a name"
        case .beforeConnect(let command): "\(command) before connect"
        case .connectedAlready: "a second connect on one connection"
        case .unknownMessageStream(let id): "publish on message stream \(id), which createStream did not give out"
        case .tooManyMessageStreams(let allowed): "more than the \(allowed) message streams allowed"
        }
    }
}
