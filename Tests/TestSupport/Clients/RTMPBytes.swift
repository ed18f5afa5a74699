/// What an RTMP client sends, put together by hand and independent of the server's own code.
public enum RTMPBytes {
    /// C0, C1 without a digest, C2.
    public static let handshake =
        [3] + [UInt8](repeating: 0, count: 8) + [UInt8](repeating: 0x5A, count: 1528)
        + [UInt8](repeating: 0xA5, count: 1536)

    /// A chunk of type 0 with any header (RTMP 1.0 §5.3.1.2.1).
    ///
    /// - Parameters:
    ///   - type: the message type.
    ///   - payload: what follows the header.
    ///   - length: the message's length as announced; `nil` for that of the payload.
    ///   - chunkStream: 2 to 63.
    ///   - stream: the message stream.
    ///   - timestamp: in milliseconds, below 0xFFFFFF.
    /// - Returns: the bytes.
    public static func chunk(
        type: UInt8,
        _ payload: [UInt8],
        length: Int? = nil,
        chunkStream: UInt8 = 3,
        stream: UInt8 = 0,
        timestamp: UInt32 = 0
    ) -> [UInt8] {
        let length = UInt32(length ?? payload.count)
        return [chunkStream] + big(timestamp, 3) + big(length, 3) + [type, stream, 0, 0, 0] + payload
    }

    /// A whole message in chunks of 128 bytes.
    public static func message(
        type: UInt8,
        _ payload: [UInt8],
        chunkStream: UInt8 = 3,
        stream: UInt8 = 0,
        timestamp: UInt32 = 0
    ) -> [UInt8] {
        var bytes = chunk(
            type: type,
            Array(payload.prefix(128)),
            length: payload.count,
            chunkStream: chunkStream,
            stream: stream,
            timestamp: timestamp
        )
        for start in stride(from: 128, to: payload.count, by: 128) {
            bytes += [0xC0 | chunkStream] + payload[start..<min(start + 128, payload.count)]
        }
        return bytes
    }

    /// A command with values that are encoded already.
    public static func command(
        _ name: String,
        _ transaction: Double,
        _ values: [UInt8]...,
        stream: UInt8 = 0
    ) -> [UInt8] {
        message(type: 20, string(name) + number(transaction) + values.flatMap { $0 }, stream: stream)
    }

    /// connect to the app `live`, with more properties of its command object where wanted.
    public static func connect(_ properties: [UInt8] = []) -> [UInt8] {
        command("connect", 1, [3] + name("app") + string("live") + properties + objectEnd)
    }

    /// createStream and publish, without waiting for answers: the first stream is number 1.
    public static func publish(_ key: String) -> [UInt8] {
        command("createStream", 2, null) + command("publish", 3, null, string(key), string("live"), stream: 1)
    }

    /// An AMF 0 string.
    public static func string(_ text: String) -> [UInt8] { [2] + name(text) }
    /// An AMF 0 number.
    public static func number(_ value: Double) -> [UInt8] {
        [0] + (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> (56 - 8 * UInt64($0))) }
    }
    /// The name of a property of an AMF 0 object.
    public static func name(_ text: String) -> [UInt8] { big(UInt32(text.utf8.count), 2) + text.utf8 }
    /// AMF 0's null.
    public static let null: [UInt8] = [5]
    /// The end of an AMF 0 object.
    public static let objectEnd: [UInt8] = [0, 0, 9]

    private static func big(_ value: UInt32, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32(count - 1 - $0))) }
    }
}
