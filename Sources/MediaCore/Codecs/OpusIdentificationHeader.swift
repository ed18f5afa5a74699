/// The identification header that an Opus decoder needs first (RFC 7845 §5.1).
public struct OpusIdentificationHeader: Hashable, Sendable {
    /// What Opus counts samples in, whatever the input's rate was (RFC 7845 §4).
    public static let samplingFrequency = 48_000

    /// Output channel count, 1 to 255.
    public let channelCount: UInt8
    /// Samples to discard from the decoder's output at the stream's start.
    ///
    /// A player of a live never sees the start, and its timeline is that of the packets: nothing is cut there.
    public let preSkip: UInt16
    /// The rate of the encoder's input in Hz: a note only.
    public let inputSampleRate: UInt32
    /// Gain in 1/256 dB.
    public let outputGain: Int16
    /// Channel mapping family.
    public let mappingFamily: UInt8
    /// Stream count, coupled count and channel mapping; empty for family 0.
    public let mapping: [UInt8]

    /// Reads a header.
    ///
    /// - Parameter bytes: the header, beginning with `OpusHead`.
    /// - Throws: ``CodecConfigurationError`` when it is cut short, or its fields contradict each other.
    public init(_ bytes: [UInt8]) throws(CodecConfigurationError) {
        guard bytes.count >= 19 else { throw .truncated }
        guard bytes.starts(with: "OpusHead".utf8) else { throw .malformed("no OpusHead") }
        // The upper four bits are for changes that old readers cannot read.
        guard bytes[8] >> 4 == 0 else { throw .malformed("OpusHead version \(bytes[8]), expected 1 to 15") }
        channelCount = bytes[9]
        guard channelCount > 0 else { throw .malformed("Opus without channels") }
        preSkip = UInt16(bytes[10]) | UInt16(bytes[11]) << 8
        inputSampleRate = bytes[12..<16].reversed().reduce(0) { $0 << 8 | UInt32($1) }
        outputGain = Int16(bitPattern: UInt16(bytes[16]) | UInt16(bytes[17]) << 8)
        mappingFamily = bytes[18]
        guard mappingFamily > 0 else {
            guard channelCount <= 2 else { throw .malformed("\(channelCount) channels in mapping family 0, allowed 2") }
            mapping = []
            return
        }
        let end = 21 + Int(channelCount)
        guard bytes.count >= end else { throw .truncated }
        mapping = Array(bytes[19..<end])
        guard mapping[0] > 0, mapping[1] <= mapping[0] else {
            throw .malformed("\(mapping[0]) Opus streams, \(mapping[1]) of them coupled")
        }
    }

    /// A packet of 20 ms of silence: a CELT frame whose first bit says that nothing follows (RFC 6716 §4.3).
    var silentPacket: [UInt8]? {
        guard mappingFamily == 0 else { return nil }
        return [channelCount == 2 ? 0xFC : 0xF8, 0xFF, 0xFE]
    }
}

/// What an Opus packet says of itself in its first bytes (RFC 6716 §3.1).
public enum OpusPacket {
    /// What encoders are set to unless told otherwise: 20 ms.
    public static let usualSampleCount = 960
    /// The longest packet: 120 ms (RFC 6716 §3.2.5).
    static let maximumSampleCount = 5760

    /// The samples in a packet at 48 kHz.
    ///
    /// - Parameters:
    ///   - first: the TOC byte.
    ///   - second: the byte after it, which counts the frames in packets of code 3.
    /// - Returns: `nil` for a packet that cannot be decoded.
    public static func sampleCount(first: UInt8, second: UInt8?) -> Int? {
        let configuration = Int(first >> 3)
        let frame =
            switch configuration {
            case 0..<12: [480, 960, 1920, 2880][configuration & 3]  // SILK
            case 12..<16: [480, 960][configuration & 1]  // both
            default: 120 << (configuration & 3)  // CELT
            }
        let frames: Int
        switch first & 3 {
        case 0: frames = 1
        case 3:
            guard let second else { return nil }
            frames = Int(second & 0x3F)
        default: frames = 2
        }
        let count = frames * frame
        return (1...maximumSampleCount).contains(count) ? count : nil
    }
}
