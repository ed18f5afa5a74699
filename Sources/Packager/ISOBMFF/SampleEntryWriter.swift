internal import MediaCore

/// Writes the sample entry that `stsd` holds for a codec (ISO/IEC 14496-12 §8.5.2).
///
/// The entry states what the configuration record states; where the two could differ, decoders go by the record.
enum SampleEntryWriter {
    static func write(_ configuration: CodecConfiguration, to writer: inout BoxWriter) {
        let picture = configuration.picture
        switch configuration {
        // ISO/IEC 14496-15 §5.4.2: `avc1`, whose parameter sets are in the record and not in the samples.
        case .avc(let record): writeVisual("avc1", picture, to: &writer) { $0.box("avcC") { $0.write(record.bytes) } }
        // ISO/IEC 14496-15 §8.4.1: `hvc1` likewise; Apple's players take no `hev1`.
        case .hevc(let record): writeVisual("hvc1", picture, to: &writer) { $0.box("hvcC") { $0.write(record.bytes) } }
        // AV1-ISOBMFF §2.2, §2.3.
        case .av1(let record): writeVisual("av01", picture, to: &writer) { $0.box("av1C") { $0.write(record.bytes) } }
        // VP-ISOBMFF "VP Codec Configuration Box".
        case .vp9(let configuration):
            writeVisual("vp09", picture, to: &writer) { entry in
                entry.fullBox("vpcC", version: 1) { $0.write(configuration.record.bytes) }
            }
        case .aac(let config): writeAAC(config, to: &writer)
        case .mp3(let format): writeMP3(format, to: &writer)
        // ETSI TS 102 366 §F.2, §F.3: the entry's own fields say nothing, but players read them.
        case .ac3(let format):
            let sound = Sound(format.channelCount, format.samplingFrequency)
            writeAudio("ac-3", sound, to: &writer) { $0.box("dac3") { $0.write(format.bytes) } }
        case .eac3(let format):
            let sound = Sound(format.channelCount, format.samplingFrequency)
            writeAudio("ec-3", sound, to: &writer) { $0.box("dec3") { $0.write(format.bytes) } }
        case .opus(let header): writeOpus(header, to: &writer)
        case .flac(let info): writeFLAC(info, to: &writer)
        }
    }

    // MARK: - Pictures

    /// VisualSampleEntry (ISO/IEC 14496-12 §12.1.3).
    private static func writeVisual(
        _ type: StaticString,
        _ picture: PictureFormat?,
        to writer: inout BoxWriter,
        _ boxes: (inout BoxWriter) -> Void
    ) {
        writer.box(type) { entry in
            entry.writeZeros(6)
            entry.write(UInt16(1))  // data_reference_index
            entry.writeZeros(16)
            entry.write(UInt16(clamping: picture?.width ?? 0))
            entry.write(UInt16(clamping: picture?.height ?? 0))
            entry.write(UInt32(0x0048_0000))  // 72 dpi each way
            entry.write(UInt32(0x0048_0000))
            entry.write(UInt32(0))
            entry.write(UInt16(1))  // frame_count
            entry.writeZeros(32)  // compressorname
            entry.write(UInt16(0x0018))  // depth: colour without alpha
            entry.write(UInt16(0xFFFF))
            boxes(&entry)
        }
    }

    // MARK: - Sound

    /// What an AudioSampleEntry states.
    private struct Sound {
        let channelCount: Int
        let samplingFrequency: Int
        let sampleSize: Int

        init(_ channelCount: Int, _ samplingFrequency: Int, sampleSize: Int = 16) {
            self.channelCount = channelCount
            self.samplingFrequency = samplingFrequency
            self.sampleSize = sampleSize
        }
    }

    /// AudioSampleEntry (ISO/IEC 14496-12 §12.2.3).
    private static func writeAudio(
        _ type: StaticString,
        _ sound: Sound,
        to writer: inout BoxWriter,
        _ boxes: (inout BoxWriter) -> Void
    ) {
        writer.box(type) { entry in
            entry.writeZeros(6)
            entry.write(UInt16(1))  // data_reference_index
            entry.writeZeros(8)
            entry.write(UInt16(clamping: sound.channelCount))
            entry.write(UInt16(clamping: sound.sampleSize))
            entry.writeZeros(4)
            // 16.16; rates that do not fit are left to the configuration record.
            entry.write(UInt32(sound.samplingFrequency <= 0xFFFF ? sound.samplingFrequency << 16 : 0))
            boxes(&entry)
        }
    }

    /// ISO/IEC 14496-14 §6.7.2.
    private static func writeAAC(_ config: AudioSpecificConfig, to writer: inout BoxWriter) {
        writeAudio("mp4a", Sound(config.channelCount ?? 2, config.samplingFrequency), to: &writer) { entry in
            // 0x40: ISO/IEC 14496-3 audio.
            let descriptor = elementaryStreamDescriptor(objectType: 0x40, specificInfo: config.bytes)
            entry.fullBox("esds") { $0.write(descriptor) }
        }
    }

    /// MP3 has no DecoderSpecificInfo: each frame says it all.
    private static func writeMP3(_ format: MPEGAudioFormat, to writer: inout BoxWriter) {
        writeAudio("mp4a", Sound(format.channelCount, format.samplingFrequency), to: &writer) { entry in
            let descriptor = elementaryStreamDescriptor(objectType: format.objectType, specificInfo: nil)
            entry.fullBox("esds") { $0.write(descriptor) }
        }
    }

    /// Opus-in-ISOBMFF §4.3: RFC 7845's header with its numbers turned to big-endian.
    ///
    /// PreSkip is stated, and no edit list cuts it off (§4.4): what a viewer of a live plays first is not the stream's start.
    private static func writeOpus(_ header: OpusIdentificationHeader, to writer: inout BoxWriter) {
        let sound = Sound(Int(header.channelCount), OpusIdentificationHeader.samplingFrequency)
        writeAudio("Opus", sound, to: &writer) { entry in
            entry.box("dOps") { box in
                box.write(UInt8(0))  // Version
                box.write(header.channelCount)
                box.write(header.preSkip)
                box.write(header.inputSampleRate)
                box.write(header.outputGain)
                box.write(header.mappingFamily)
                box.write(header.mapping)
            }
        }
    }

    /// FLAC-in-ISOBMFF §3.3: the metadata blocks, of which STREAMINFO is the only one and the last.
    private static func writeFLAC(_ info: FLACStreamInfo, to writer: inout BoxWriter) {
        let sound = Sound(info.channelCount, info.samplingFrequency, sampleSize: info.bitsPerSample)
        writeAudio("fLaC", sound, to: &writer) { entry in
            entry.fullBox("dfLa") { box in
                box.write(UInt32(0x8000_0000) | UInt32(clamping: info.bytes.count))
                box.write(info.bytes)
            }
        }
    }

    // MARK: - esds

    /// ES_Descriptor with DecoderConfigDescriptor and DecoderSpecificInfo (ISO/IEC 14496-1 §7.2.6.5).
    private static func elementaryStreamDescriptor(objectType: UInt8, specificInfo: [UInt8]?) -> [UInt8] {
        let specific = specificInfo.map { descriptor(tag: 0x05, $0) } ?? []
        // 0x15: an audio stream going upstream 0, reserved 1; no buffer size or bit rates.
        let decoder = descriptor(tag: 0x04, [objectType, 0x15] + [UInt8](repeating: 0, count: 11) + specific)
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
