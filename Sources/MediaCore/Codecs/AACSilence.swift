extension AudioSpecificConfig {
    /// An access unit that decodes to silence, to stand in for one that the encoder did not send.
    ///
    /// A raw_data_block (ISO/IEC 14496-3 §4.4.2.1) with the elements of the channel configuration (§1.6.3.5), in each of
    /// which no scale factor band is coded. `nil` when a program config element has the layout.
    public var silentAccessUnit: [UInt8]? {
        guard let elements = channelElements else { return nil }
        var writer = BitWriter()
        var tags: [ChannelElement: UInt32] = [:]
        for element in elements {
            let tag = tags[element, default: 0]
            tags[element] = tag + 1
            writer.write(element.rawValue, bits: 3)
            writer.write(tag, bits: 4)
            // common_window 0: each channel of a pair has an ics_info of its own.
            if element == .pair { writer.write(0, bits: 1) }
            for _ in 0..<(element == .pair ? 2 : 1) { writer.writeSilentChannel() }
        }
        writer.write(Self.endOfBlock, bits: 3)
        return writer.bytes
    }

    /// ID_END (§4.5.2.1).
    private static let endOfBlock: UInt32 = 7

    /// The syntactic elements that carry channels, by their id_syn_ele.
    private enum ChannelElement: UInt32 {
        case single = 0
        case pair = 1
        case lowFrequency = 3
    }

    private var channelElements: [ChannelElement]? {
        switch channelCount {
        case 1: [.single]
        case 2: [.pair]
        case 3: [.single, .pair]
        case 4: [.single, .pair, .single]
        case 5: [.single, .pair, .pair]
        case 6: [.single, .pair, .pair, .lowFrequency]
        default: nil
        }
    }
}

/// Puts bits into bytes, most significant first.
private struct BitWriter {
    private(set) var bytes: [UInt8] = []
    private var bitCount = 0

    mutating func write(_ value: UInt32, bits: Int) {
        for shift in (0..<bits).reversed() {
            if bitCount & 7 == 0 { bytes.append(0) }
            bytes[bitCount >> 3] |= UInt8(value >> UInt32(shift) & 1) << (7 - UInt8(bitCount & 7))
            bitCount += 1
        }
    }

    /// An individual_channel_stream (§4.4.2.7): global_gain 0; an ics_info of a long window with max_sfb 0; no pulses, no
    /// noise shaping, no gain control.
    mutating func writeSilentChannel() {
        write(0, bits: 8 + 11 + 3)
    }
}
