/// The AudioSpecificConfig that an AAC decoder needs first (ISO/IEC 14496-3 §1.6.2.1).
public struct AudioSpecificConfig: Hashable, Sendable {
    /// The configuration as the encoder sent it.
    public let bytes: [UInt8]
    /// The audio object type that a player must support: 2 for AAC-LC, 5 for HE-AAC, 29 for HE-AAC v2.
    public let audioObjectType: UInt8
    /// The audio object type of the core coder, 1 to 4: 2 for AAC-LC, alone or under SBR.
    public let coreObjectType: UInt8
    /// channelConfiguration (§1.6.3.5): 0 when a program config element states the channels.
    public let channelConfiguration: UInt8
    /// The rate of the core coder in Hz, which a frame's samples are counted in.
    ///
    /// SBR doubles it on output.
    public let samplingFrequency: Int
    /// Channels of the core coder, or `nil` when a program config element states them.
    public let channelCount: Int?
    /// Samples in one access unit, counted at ``samplingFrequency``: 1024 or 960.
    public let samplesPerFrame: Int

    /// Reads a configuration.
    ///
    /// - Throws: ``CodecConfigurationError`` when it is cut short or names a rate or layout that does not exist.
    public init(_ bytes: [UInt8]) throws(CodecConfigurationError) {
        var reader = BitReader(bytes)
        var coreObjectType = try Self.readObjectType(from: &reader)
        let frequency = try Self.readSamplingFrequency(from: &reader)
        let layout = try reader.read(4)
        var objectType = coreObjectType
        if coreObjectType == 5 || coreObjectType == 29 {
            // Explicit hierarchical signalling: the extension first, then the core it extends.
            _ = try Self.readSamplingFrequency(from: &reader)
            coreObjectType = try Self.readObjectType(from: &reader)
        }
        guard Self.generalAudioTypes.contains(coreObjectType) else {
            throw .malformed("audio object type \(coreObjectType), expected one of AAC (1 to 4)")
        }
        let hasShortFrames = try reader.readFlag()
        if try reader.readFlag() { try reader.skip(14) }  // coreCoderDelay
        try reader.skip(1)  // extensionFlag
        if layout != 0, let extended = Self.readBackwardCompatibleExtension(from: &reader) {
            objectType = extended
        }

        guard layout < 8 || layout == 11 || layout == 12 || layout == 14 else {
            throw .malformed("channel configuration \(layout), which is reserved")
        }
        self.bytes = bytes
        audioObjectType = objectType
        self.coreObjectType = coreObjectType
        channelConfiguration = UInt8(layout)
        samplingFrequency = frequency
        channelCount = layout == 0 ? nil : Self.channelCounts[Int(layout)]
        samplesPerFrame = hasShortFrames ? 960 : 1024
    }

    /// `mp4a.40.N` with N the audio object type (RFC 6381 §3.3).
    public var codecString: String { "mp4a.40.\(audioObjectType)" }

    /// AAC Main, LC, SSR and LTP: those whose GASpecificConfig has the layout read above.
    private static let generalAudioTypes: ClosedRange<UInt8> = 1...4

    private static let channelCounts = [0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 0, 8]

    private static let samplingFrequencies = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
    ]

    private static func readObjectType(from reader: inout BitReader) throws(CodecConfigurationError) -> UInt8 {
        let type = try reader.read(5)
        return UInt8(type == 31 ? 32 + (try reader.read(6)) : type)
    }

    private static func readSamplingFrequency(from reader: inout BitReader) throws(CodecConfigurationError) -> Int {
        let index = Int(try reader.read(4))
        if index == 15 {
            let frequency = Int(try reader.read(24))
            guard (1000...192_000).contains(frequency) else {
                throw .malformed("sampling frequency \(frequency) Hz, expected 1000 to 192000")
            }
            return frequency
        }
        guard index < samplingFrequencies.count else { throw .malformed("sampling frequency index \(index)") }
        return samplingFrequencies[index]
    }

    /// §1.6.6.2: decoders that do not know SBR or PS skip this part, so encoders may append it or leave it out.
    private static func readBackwardCompatibleExtension(from reader: inout BitReader) -> UInt8? {
        guard reader.remainingBits >= 16, (try? reader.read(11)) == 0x2B7, (try? readObjectType(from: &reader)) == 5,
            (try? reader.readFlag()) == true
        else { return nil }
        guard (try? readSamplingFrequency(from: &reader)) != nil, (try? reader.read(11)) == 0x548,
            (try? reader.readFlag()) == true
        else { return 5 }
        return 29
    }
}
