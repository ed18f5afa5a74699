import NIOCore

@testable import Ingest

/// The messages that a real encoder sent, for seeds.
struct RecordedMessages {
    /// C0, C1 and C2.
    static let handshakeLength = 3073

    /// Everything after the handshake.
    let chunks: ArraySlice<UInt8>
    private(set) var messages: [RTMPMessage] = []

    init(_ recording: [UInt8]) {
        chunks = recording.dropFirst(Self.handshakeLength)
        var decoder = RTMPChunkDecoder(limits: .init(messageLength: 1 << 20, partialBytes: 4 << 20, chunkStreams: 64))
        var input = ByteBuffer(bytes: chunks)
        while let message = try? decoder.nextMessage(from: &input) { messages.append(message) }
    }

    /// Audio and video.
    var media: [RTMPMessage] { messages.filter { $0.typeID == 8 || $0.typeID == 9 } }

    /// The payloads of commands and data.
    var amf: [[UInt8]] {
        messages.filter { $0.typeID == 18 || $0.typeID == 20 }.map { Array($0.payload.readableBytesView) }
    }
}
