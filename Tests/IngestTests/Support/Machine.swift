import MediaCore
import NIOCore

@testable import Ingest

/// What a state machine sent, reduced to what an encoder looks at.
struct Sent: Equatable, CustomStringConvertible {
    var type: UInt8
    var stream: UInt32
    var values: [AMF0Value] = []

    init(_ message: RTMPMessage) {
        type = message.typeID
        stream = message.messageStreamID
        if type == 20 { values = (try? AMF0Decoder.values(in: message.payload)) ?? [] }
    }

    /// The code of an onStatus or of the answer to connect.
    var code: String? { values.last?["code"]?.string }
    var level: String? { values.last?["level"]?.string }
    var words: String? { values.last?["description"]?.string }
    var description: String { "type \(type) stream \(stream) \(values.first?.string ?? "") \(code ?? "")" }
}

extension [RTMPConnectionStateMachine.Effect] {
    var sent: [Sent] {
        compactMap { if case .send(let message) = $0 { Sent(message) } else { nil } }
    }
    var closes: ConnectionEnd? {
        for case .close(let end) in self { return end }
        return nil
    }
    var endsPublish: PublishEnd? {
        for case .endPublish(let end) in self { return end }
        return nil
    }
    var request: PublishRequest? {
        for case .authorize(let request) in self { return request }
        return nil
    }
    var begins: StreamID? {
        for case .beginPublish(let grant) in self { return grant.stream }
        return nil
    }
}

extension RTMPConnectionStateMachine {
    init() { self.init(peerAddress: "192.0.2.7", maximumMessageStreams: 3) }

    mutating func command(_ values: AMF0Value..., stream: UInt32 = 0, type: UInt8 = 20) throws -> [Effect] {
        var body = ByteBuffer()
        if type == 17 || type == 15 { body.writeInteger(UInt8(0)) }
        body.writeAMF0(values)
        let message = RTMPMessage(chunkStreamID: 3, timestamp: 0, typeID: type, messageStreamID: stream, payload: body)
        guard case .perform(let effects) = try receive(message) else { return [] }
        return effects
    }

    mutating func connect() throws -> [Effect] {
        try command(.string("connect"), .number(1), .object([AMF0Property("app", .string("live?token=t"))]))
    }

    /// A machine that publishes `name` on message stream 1.
    static func publishing(_ name: StreamID) throws -> RTMPConnectionStateMachine {
        var machine = RTMPConnectionStateMachine()
        _ = try machine.connect()
        _ = try machine.command(.string("createStream"), .number(2), .null)
        _ = try machine.command(.string("publish"), .number(3), .null, .string("key"), .string("live"), stream: 1)
        _ = machine.authorized(.allow(PublishGrant(name)))
        _ = machine.claimed()
        return machine
    }
}
