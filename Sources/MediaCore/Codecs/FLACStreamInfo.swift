/// STREAMINFO, which a FLAC decoder needs first (RFC 9639 §8.2).
public struct FLACStreamInfo: Hashable, Sendable {
    /// The block's content, 34 bytes.
    ///
    /// Frame sizes, the number of samples and the checksum are zero, "not known": no live knows them, and ffmpeg sends the
    /// block again at its end with other values there, which is no other configuration.
    public let bytes: [UInt8]
    /// The largest number of samples in a frame.
    public let maximumBlockSize: Int
    /// In Hz.
    public let samplingFrequency: Int
    /// 1 to 8.
    public let channelCount: Int
    /// Bits of a sample, 4 to 32.
    public let bitsPerSample: Int

    private static let length = 34

    /// Reads a STREAMINFO block.
    ///
    /// - Parameter bytes: its content, as ffmpeg sends it; or with the head of a metadata block before it; or with that and
    ///   the signature `fLaC`, as Enhanced RTMP v2 has it.
    /// - Throws: ``CodecConfigurationError`` when it is cut short or has a value that must not be.
    public init(_ bytes: [UInt8]) throws(CodecConfigurationError) {
        var content = bytes[...]
        if content.starts(with: "fLaC".utf8) { content = content.dropFirst(4) }
        if content.count >= Self.length + 4 {
            let head = content.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            guard head & 0x7FFF_FFFF == UInt32(Self.length) else { throw .malformed("no STREAMINFO block first") }
            content = content.dropFirst(4)
        }
        guard content.count >= Self.length else { throw .truncated }
        var block = Array(content.prefix(Self.length))
        let minimum = Int(block[0]) << 8 | Int(block[1])
        maximumBlockSize = Int(block[2]) << 8 | Int(block[3])
        samplingFrequency = Int(block[10]) << 12 | Int(block[11]) << 4 | Int(block[12]) >> 4
        channelCount = Int(block[12] >> 1 & 7) + 1
        bitsPerSample = Int(block[12] & 1) << 4 + Int(block[13] >> 4) + 1
        guard minimum >= 16, maximumBlockSize >= minimum else {
            throw .malformed("FLAC blocks of \(minimum) to \(maximumBlockSize) samples")
        }
        guard samplingFrequency > 0 else { throw .malformed("sampling frequency 0 Hz") }
        guard bitsPerSample >= 4 else { throw .malformed("\(bitsPerSample) bits a sample, expected 4 to 32") }
        for index in 4..<10 { block[index] = 0 }
        block[13] &= 0xF0
        for index in 14..<Self.length { block[index] = 0 }
        self.bytes = block
    }
}

/// What a FLAC frame's header says of the frame (RFC 9639 §9.1).
public enum FLACFrame {
    /// How many bytes of a frame are looked at: the longest header up to its block size.
    public static let headerLength = 13

    /// The samples in a frame; `nil` when it has no frame's header.
    public static func sampleCount(header: some Collection<UInt8>) -> Int? {
        let bytes = Array(header.prefix(headerLength))
        guard bytes.count >= 6, bytes[0] == 0xFF, bytes[1] & 0xFE == 0xF8 else { return nil }
        switch Int(bytes[2] >> 4) {
        case 1: return 192
        case let code where (2...5).contains(code): return 576 << (code - 2)
        case let code where code >= 8: return 256 << (code - 8)
        case let code where code >= 6:
            // Behind the frame's or sample's number, which is written like a character of UTF-8 (§9.1.5).
            let ones = (~bytes[4]).leadingZeroBitCount
            let position = 4 + max(1, ones)
            guard ones != 1, ones <= 7, position + (code - 6) < bytes.count else { return nil }
            return code == 6 ? Int(bytes[position]) + 1 : Int(bytes[position]) << 8 + Int(bytes[position + 1]) + 1
        default: return nil
        }
    }
}
