/// A PES packet (ISO/IEC 13818-1 §2.4.3.6), taken apart.
public struct PESContent: Hashable, Sendable {
    /// The PID it came on.
    public let pid: UInt16
    /// The number of the packet that it begins in.
    public let packet: Int
    /// stream_id.
    public let streamID: UInt8
    /// In ticks of 90 kHz, 33 bits.
    public let presentationTime: Int64
    /// In ticks of 90 kHz, 33 bits; the presentation time where none is stated.
    public let decodeTime: Int64
    /// random_access_indicator of its first packet.
    public let isRandomAccess: Bool
    /// The clock in force where it begins, in ticks of 27 MHz.
    public let clock: Int64?
    /// What is behind the header.
    public let payload: [UInt8]

    /// The NAL units of a byte stream (ISO/IEC 14496-10 Annex B); `nil` when something else stands between them.
    public var nalUnits: [[UInt8]]? {
        var units: [[UInt8]] = []
        var zeros = 0
        for byte in payload {
            if byte == 1, zeros >= 2 {
                if !units.isEmpty { units[units.count - 1].removeLast(min(zeros, units[units.count - 1].count)) }
                units.append([])
                zeros = 0
                continue
            }
            zeros = byte == 0 ? zeros + 1 : 0
            if units.isEmpty {
                guard byte == 0 else { return nil }
            } else {
                units[units.count - 1].append(byte)
            }
        }
        return units
    }

    /// The frames of AAC with what their headers say (ISO/IEC 14496-3 §1.A.2); `nil` when they do not fill the packet.
    public var adtsFrames: [ADTSFrame]? {
        var frames: [ADTSFrame] = []
        var rest = payload[...]
        while !rest.isEmpty {
            guard let frame = ADTSFrame(&rest) else { return nil }
            frames.append(frame)
        }
        return frames
    }
}

/// A frame of AAC with what its ADTS header says.
public struct ADTSFrame: Hashable, Sendable {
    /// The audio object type, 1 to 4.
    public let objectType: UInt8
    /// In Hz.
    public let samplingFrequency: Int
    /// channel_configuration.
    public let channelConfiguration: UInt8
    /// The raw data block.
    public let payload: [UInt8]

    private static let frequencies = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
    ]

    init?(_ bytes: inout ArraySlice<UInt8>) {
        let header = Array(bytes.prefix(7))
        // syncword, layer 0, no checksum.
        guard header.count == 7, header[0] == 0xFF, header[1] & 0xF7 == 0xF1 else { return nil }
        objectType = header[2] >> 6 + 1
        let frequency = Int(header[2] >> 2 & 0x0F)
        guard frequency < Self.frequencies.count else { return nil }
        samplingFrequency = Self.frequencies[frequency]
        channelConfiguration = header[2] << 2 & 4 | header[3] >> 6
        let length = Int(header[3] & 3) << 11 | Int(header[4]) << 3 | Int(header[5] >> 5)
        // One raw data block.
        guard length >= 7, length <= bytes.count, header[6] & 3 == 0 else { return nil }
        payload = Array(bytes.dropFirst(7).prefix(length - 7))
        bytes = bytes.dropFirst(length)
    }
}

/// Puts a PES packet together and reads its header.
struct PESAssembler {
    let number: Int
    private let packet: TransportPacket
    private let clock: Int64?
    private var bytes: [UInt8] = []

    init(_ packet: TransportPacket, clock: Int64?) {
        self.packet = packet
        self.clock = clock
        number = packet.number
    }

    mutating func append(_ payload: ArraySlice<UInt8>) { bytes += payload }

    func finish() throws(TransportStreamFault) -> PESContent {
        guard bytes.count >= 9, bytes[0] == 0, bytes[1] == 0, bytes[2] == 1 else { throw packet.fail("no PES packet") }
        let streamID = bytes[3]
        let length = Int(bytes[4]) << 8 | Int(bytes[5])
        let isVideo = streamID & 0xF0 == 0xE0
        guard length == bytes.count - 6 || (length == 0 && isVideo && bytes.count - 6 > 0xFFFF) else {
            throw packet.fail("PES_packet_length \(length) with \(bytes.count - 6) bytes")
        }
        guard bytes[6] & 0xF0 == 0x80, bytes[7] & 0x3F == 0 else { throw packet.fail("PES header flags") }
        let headerLength = Int(bytes[8])
        guard 9 + headerLength <= bytes.count else { throw packet.fail("PES header of \(headerLength) bytes") }
        var header = bytes[9..<9 + headerLength]
        let times: (Int64, Int64)
        switch bytes[7] >> 6 {
        case 2:
            let time = try time(&header, mark: 2)
            times = (time, time)
        case 3:
            times = (try time(&header, mark: 3), try time(&header, mark: 1))
            guard times.0 != times.1 else { throw packet.fail("a decode time that says nothing") }
        default: throw packet.fail("no presentation time")
        }
        guard header.allSatisfy({ $0 == 0xFF }) else { throw packet.fail("PES stuffing that is not 0xFF") }
        return PESContent(
            pid: packet.pid,
            packet: number,
            streamID: streamID,
            presentationTime: times.0,
            decodeTime: times.1,
            isRandomAccess: packet.isRandomAccess,
            clock: clock,
            payload: Array(bytes[(9 + headerLength)...])
        )
    }

    private func time(_ header: inout ArraySlice<UInt8>, mark: UInt8) throws(TransportStreamFault) -> Int64 {
        let field = Array(header.prefix(5))
        guard field.count == 5, field[0] >> 4 == mark, field[0] & 1 == 1, field[2] & 1 == 1, field[4] & 1 == 1 else {
            throw packet.fail("time stamp \(field)")
        }
        header = header.dropFirst(5)
        let high = Int64(field[0] >> 1 & 7)
        let middle = Int64(field[1]) << 7 | Int64(field[2] >> 1)
        let low = Int64(field[3]) << 7 | Int64(field[4] >> 1)
        return high << 30 | middle << 15 | low
    }
}
