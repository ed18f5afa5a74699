import MediaCore
import NIOCore

@testable import Ingest

/// The handshake: it takes at most its 3073 bytes, answers once, and ends in the same way however the bytes are cut.
enum HandshakeFuzz {
    static func run(_ input: [UInt8]) throws {
        let whole = outcome(of: [ByteBuffer(bytes: input)])
        let cut = outcome(of: Array(FuzzPieces(input[...], cut: input.first ?? 0)))
        try FuzzViolation.unless(whole == cut, "whole: \(whole), in pieces: \(cut)")
        try FuzzViolation.unless(whole.taken <= 3073, "took \(whole.taken) bytes")
    }

    private struct Outcome: Equatable {
        var taken = 0
        var replies: [Int] = []
        var isComplete = false
        var error: String?
    }

    private static func outcome(of pieces: [ByteBuffer]) -> Outcome {
        var handshake = RTMPHandshake { [UInt8](repeating: 7, count: $0) }
        var outcome = Outcome()
        for var piece in pieces {
            while outcome.error == nil, !outcome.isComplete {
                let before = piece.readableBytes
                let action = Result { () throws(RTMPHandshakeError) in try handshake.receive(&piece) }
                outcome.taken += before - piece.readableBytes
                switch action {
                case .success(.wait): break
                case .success(.reply(let bytes)):
                    outcome.replies.append(bytes.readableBytes)
                    continue
                case .success(.complete): outcome.isComplete = true
                case .failure(let error): outcome.error = "\(error)"
                }
                break
            }
        }
        return outcome
    }
}

/// The chunk decoder: whole and in pieces, the same messages and the same error; and no more memory than allowed.
enum ChunkFuzz {
    private static let limits = RTMPChunkDecoder.Limits(messageLength: 1 << 20, partialBytes: 2 << 20, chunkStreams: 24)

    static func run(_ input: [UInt8]) throws {
        guard let cut = input.first else { return }
        let chunks = input.dropFirst()
        let whole = outcome(of: [ByteBuffer(bytes: chunks)])
        let pieces = outcome(of: FuzzPieces(chunks, cut: cut))
        try FuzzViolation.unless(
            whole.error == pieces.error,
            "whole: \(whole.error ?? "-"), cut: \(pieces.error ?? "-")"
        )
        try FuzzViolation.unless(whole.messages == pieces.messages, "cut, the messages differ")
        for message in whole.messages where message.payload.readableBytes > limits.messageLength {
            throw FuzzViolation("message of \(message.payload.readableBytes) bytes")
        }
    }

    private static func outcome(of pieces: some Sequence<ByteBuffer>) -> (messages: [RTMPMessage], error: String?) {
        var decoder = RTMPChunkDecoder(limits: limits)
        var messages: [RTMPMessage] = []
        do {
            for var piece in pieces {
                while let message = try decoder.nextMessage(from: &piece) { messages.append(message) }
                guard piece.readableBytes == 0 else { return (messages, "left \(piece.readableBytes) bytes unread") }
            }
            return (messages, nil)
        } catch {
            return (messages, "\(error)")
        }
    }
}

/// AMF 0 with AMF 3 in it: values that were read can be written as AMF 0, and read again they are the same.
enum AMFFuzz {
    static func run(_ input: [UInt8]) throws {
        guard let values = try? AMF0Decoder.values(in: ByteBuffer(bytes: input)) else { return }
        for value in values { _ = value.json.text }
        var written = ByteBuffer()
        written.writeAMF0(values)
        // A string that was not UTF-8 may have grown, and has its own limit.
        var limits = AMFLimits()
        limits.stringLength *= 3
        let again = try AMF0Decoder.values(in: written, limits: limits)
        // By their text: a number that is none (NaN) does not equal itself.
        try FuzzViolation.unless("\(again)" == "\(values)", "read \(values), written and read again \(again)")
    }
}
