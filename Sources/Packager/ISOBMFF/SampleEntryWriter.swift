internal import MediaCore

/// Writes the sample entry that `stsd` holds for a codec (ISO/IEC 14496-12 §8.5.2).
enum SampleEntryWriter {
    static func write(_ configuration: CodecConfiguration, to writer: inout BoxWriter) {
        switch configuration {
        case .avc(let record): writeAVC(record, to: &writer)
        case .aac(let config): writeAAC(config, to: &writer)
        }
    }

    /// ISO/IEC 14496-15 §5.4.2: `avc1`, whose parameter sets are in the record and not in the samples.
    private static func writeAVC(_ record: AVCDecoderConfigurationRecord, to writer: inout BoxWriter) {
        writer.box("avc1") { entry in
            entry.writeZeros(6)
            entry.write(UInt16(1))  // data_reference_index
            entry.writeZeros(16)
            entry.write(UInt16(truncatingIfNeeded: record.sequenceParameterSet.width))
            entry.write(UInt16(truncatingIfNeeded: record.sequenceParameterSet.height))
            entry.write(UInt32(0x0048_0000))  // 72 dpi each way
            entry.write(UInt32(0x0048_0000))
            entry.write(UInt32(0))
            entry.write(UInt16(1))  // frame_count
            entry.writeZeros(32)  // compressorname
            entry.write(UInt16(0x0018))  // depth: colour without alpha
            entry.write(UInt16(0xFFFF))
            entry.box("avcC") { $0.write(record.bytes) }
        }
    }

    /// ISO/IEC 14496-14 §6.7.2.
    private static func writeAAC(_ config: AudioSpecificConfig, to writer: inout BoxWriter) {
        writer.box("mp4a") { entry in
            entry.writeZeros(6)
            entry.write(UInt16(1))
            entry.writeZeros(8)
            entry.write(UInt16(config.channelCount ?? 2))
            entry.write(UInt16(16))  // samplesize
            entry.writeZeros(4)
            // 16.16; rates that do not fit are left to the AudioSpecificConfig.
            entry.write(UInt32(config.samplingFrequency <= 0xFFFF ? config.samplingFrequency << 16 : 0))
            entry.fullBox("esds") { $0.write(elementaryStreamDescriptor(config.bytes)) }
        }
    }

    /// ES_Descriptor with DecoderConfigDescriptor and DecoderSpecificInfo (ISO/IEC 14496-1 §7.2.6.5).
    private static func elementaryStreamDescriptor(_ audioSpecificConfig: [UInt8]) -> [UInt8] {
        let specific = descriptor(tag: 0x05, audioSpecificConfig)
        // 0x40: ISO/IEC 14496-3 audio; 0x15: an audio stream going upstream 0, reserved 1; no buffer size or bit rates.
        let decoder = descriptor(tag: 0x04, [0x40, 0x15] + [UInt8](repeating: 0, count: 11) + specific)
        let synchronization = descriptor(tag: 0x06, [0x02])  // as MP4 files have it
        return descriptor(tag: 0x03, [0, 0, 0] + decoder + synchronization)
    }

    /// A descriptor with its length in groups of seven bits (§8.3.3).
    private static func descriptor(tag: UInt8, _ payload: [UInt8]) -> [UInt8] {
        var length = [UInt8(payload.count & 0x7F)]
        var rest = payload.count >> 7
        while rest > 0 {
            length.insert(UInt8(rest & 0x7F) | 0x80, at: 0)
            rest >>= 7
        }
        return [tag] + length + payload
    }
}
