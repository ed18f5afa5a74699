import NIOCore

@testable import Ingest

/// Writes what an encoder would send, byte by byte, independent of the code under test.
struct WireBuilder {
    var bytes: [UInt8] = []

    /// C0, a C1 without a digest, and C2.
    mutating func handshake() {
        bytes += [3] + [UInt8](repeating: 0, count: 8) + [UInt8](repeating: 0x5A, count: 1528)
        bytes += [UInt8](repeating: 0xA5, count: 1536)
    }

    /// A chunk of type 0, its payload as given.
    mutating func type0(
        _ csid: Int,
        timestamp: UInt32,
        length: Int,
        type: UInt8,
        stream: UInt32 = 1,
        payload: [UInt8]
    ) {
        basicHeader(0, csid)
        bytes += big24(min(timestamp, 0xFFFFFF)) + big24(UInt32(length)) + [type]
        bytes += (0..<4).map { UInt8(truncatingIfNeeded: stream >> (8 * UInt32($0))) }
        if timestamp >= 0xFFFFFF { bytes += big32(timestamp) }
        bytes += payload
    }

    mutating func type1(_ csid: Int, delta: UInt32, length: Int, type: UInt8, payload: [UInt8]) {
        basicHeader(1, csid)
        bytes += big24(min(delta, 0xFFFFFF)) + big24(UInt32(length)) + [type]
        if delta >= 0xFFFFFF { bytes += big32(delta) }
        bytes += payload
    }

    mutating func type2(_ csid: Int, delta: UInt32, payload: [UInt8]) {
        basicHeader(2, csid)
        bytes += big24(min(delta, 0xFFFFFF))
        if delta >= 0xFFFFFF { bytes += big32(delta) }
        bytes += payload
    }

    mutating func type3(_ csid: Int, repeating timestamp: UInt32? = nil, payload: [UInt8]) {
        basicHeader(3, csid)
        if let timestamp { bytes += big32(timestamp) }
        bytes += payload
    }

    /// A whole message in chunks of 128 bytes, or of `chunkSize`.
    mutating func message(
        _ csid: Int,
        timestamp: UInt32 = 0,
        type: UInt8,
        stream: UInt32 = 1,
        payload: [UInt8],
        chunkSize: Int = 128,
        repeatsExtendedTimestamp: Bool = true
    ) {
        type0(
            csid,
            timestamp: timestamp,
            length: payload.count,
            type: type,
            stream: stream,
            payload: Array(payload.prefix(chunkSize))
        )
        var rest = payload.dropFirst(chunkSize)
        while !rest.isEmpty {
            let repeated = timestamp >= 0xFFFFFF && repeatsExtendedTimestamp ? timestamp : nil
            type3(csid, repeating: repeated, payload: Array(rest.prefix(chunkSize)))
            rest = rest.dropFirst(chunkSize)
        }
    }

    mutating func command(_ values: [AMF0Value], stream: UInt32 = 0) {
        var body = ByteBuffer()
        body.writeAMF0(values)
        message(3, type: 20, stream: stream, payload: Array(body.readableBytesView))
    }

    /// connect, createStream and publish, as librtmp orders them.
    mutating func publish(_ key: String) {
        command([.string("connect"), .number(1), .object([AMF0Property("app", .string("live"))])])
        command([.string("releaseStream"), .number(2), .null, .string(key)])
        command([.string("FCPublish"), .number(3), .null, .string(key)])
        command([.string("createStream"), .number(4), .null])
        command([.string("publish"), .number(5), .null, .string(key), .string("live")], stream: 1)
    }

    private mutating func basicHeader(_ fmt: UInt8, _ csid: Int) {
        switch csid {
        case 2...63: bytes.append(fmt << 6 | UInt8(csid))
        case 64...319: bytes += [fmt << 6, UInt8(csid - 64)]
        default: bytes += [fmt << 6 | 1, UInt8((csid - 64) & 0xFF), UInt8((csid - 64) >> 8)]
        }
    }

    private func big24(_ value: UInt32) -> [UInt8] {
        [UInt8(value >> 16 & 0xFF), UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)]
    }

    private func big32(_ value: UInt32) -> [UInt8] { [UInt8(value >> 24)] + big24(value & 0xFFFFFF) }
}

/// A generator with a fixed seed (SplitMix64): hostile input must be the same in every run.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) } }
}

/// How a feed of bytes is cut before it reaches a decoder.
enum Feed: CaseIterable {
    case whole, drip, random

    func pieces(of bytes: [UInt8]) -> [ByteBuffer] {
        var generator = SeededGenerator(state: 7)
        var rest = bytes[...]
        var pieces: [ByteBuffer] = []
        while !rest.isEmpty {
            let size =
                switch self {
                case .whole: rest.count
                case .drip: 1
                case .random: Int.random(in: 1...200, using: &generator)
                }
            pieces.append(ByteBuffer(bytes: rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
        return pieces
    }
}
