internal import NIOCore

/// A PES packet and its place in time.
struct PESPacket {
    /// Its stream, by its place in the program map.
    let stream: Int
    /// Where its bytes are among those of all.
    let range: Range<Int>
    /// When it is decoded, in ticks of 90 kHz.
    let decodeTime: Int64
    /// Whether decoding can start here.
    let isSync: Bool
}

/// Writes samples as PES packets (ISO/IEC 13818-1 §2.4.3.6), all of a segment behind one another.
struct PESWriter {
    /// The clock of decoding and presentation times, in ticks a second.
    static let timescale: Int64 = 90_000
    /// The smallest packet there is, so that every one can be spread over sixteen packets of the transport stream.
    static let minimumSize = 16
    /// Frames of sound that begin so much later than the first of a packet have their own: a tenth of a second.
    private static let longestSound: Int64 = 9000
    /// What packets of sound hold at most, frames that are larger alone excepted.
    private static let largestSound = 16 << 10
    /// The most that PES_packet_length can say, less the header.
    private static let maximumPayload = 0xFFFF - 32

    /// The bytes of all packets.
    private(set) var bytes: ByteBuffer
    /// The packets, in the order of each stream.
    private(set) var packets: [PESPacket] = []

    init(capacity: Int) {
        bytes = ByteBufferAllocator().buffer(capacity: capacity)
    }

    // MARK: - Pictures

    /// Writes pictures, one a packet.
    mutating func writePictures(
        _ samples: [Sample],
        of stream: ElementaryStream,
        at index: Int,
        _ format: AnnexBFormat
    ) throws(TransportStreamError) {
        let shift = Self.decodeTimeShift(samples, timescale: stream.timescale)
        for sample in samples where sample.payload.readableBytes > 0 {
            let time = Self.ticks(sample.decodeTime, timescale: stream.timescale)
            let offset = Self.ticks(sample.compositionOffset, timescale: stream.timescale)
            let presentation = time + offset
            let decode = min(time - shift, presentation)
            let start = bytes.writerIndex
            writeHeader(stream.streamID, presentation: presentation, decode: decode)
            try format.write(sample, to: &bytes)
            finish(from: start, stream: index, decodeTime: decode, isSync: sample.isSync)
        }
    }

    /// How much earlier pictures are decoded here, because an encoder's composition offsets are below zero: nothing can be
    /// shown before it is decoded.
    ///
    /// In steps of a quarter of a second, so that it stays the same from segment to segment.
    private static func decodeTimeShift(_ samples: [Sample], timescale: Int64) -> Int64 {
        let earliest = ticks(samples.lazy.map(\.compositionOffset).min() ?? 0, timescale: timescale)
        guard earliest < 0 else { return 0 }
        let step = Self.timescale / 4
        return min((-earliest + step - 1) / step * step, TransportStreamSegment.clockLead)
    }

    // MARK: - Sound

    /// Writes frames of sound, several a packet.
    mutating func writeSound(_ samples: [Sample], of stream: ElementaryStream, at index: Int) {
        var start: (index: Int, time: Int64)?
        for sample in samples {
            let size = sample.payload.readableBytes
            guard size > 0, size <= Self.largestFrame(of: stream.form) else {
                finish(&start, stream: index)
                continue
            }
            let time = Self.ticks(sample.decodeTime, timescale: stream.timescale)
            let end = Self.ticks(sample.decodeTime + sample.duration, timescale: stream.timescale)
            if let first = start,
                end - first.time > Self.longestSound || bytes.writerIndex - first.index + size > Self.largestSound
            {
                finish(&start, stream: index)
            }
            if start == nil {
                start = (bytes.writerIndex, time)
                writeHeader(stream.streamID, presentation: time, decode: time)
            }
            if case .adts(let format) = stream.form { format.writeHeader(frameSize: size, to: &bytes) }
            bytes.writeImmutableBuffer(sample.payload)
        }
        finish(&start, stream: index)
    }

    private static func largestFrame(of form: ElementaryStream.Form) -> Int {
        if case .adts = form { return ADTSFormat.maximumFrameSize }
        return maximumPayload
    }

    private mutating func finish(_ start: inout (index: Int, time: Int64)?, stream: Int) {
        guard let first = start else { return }
        finish(from: first.index, stream: stream, decodeTime: first.time, isSync: true)
        start = nil
    }

    // MARK: - Packets

    /// PES_packet_length stands for none, which only pictures may have, where it is too long (§2.4.3.7).
    private mutating func finish(from start: Int, stream: Int, decodeTime: Int64, isSync: Bool) {
        let range = start..<bytes.writerIndex
        bytes.setInteger(UInt16(exactly: range.count - 6) ?? 0, at: start + 4)
        packets.append(PESPacket(stream: stream, range: range, decodeTime: decodeTime, isSync: isSync))
    }

    private mutating func writeHeader(_ streamID: UInt8, presentation: Int64, decode: Int64) {
        bytes.writeInteger(UInt32(0x0000_0100) | UInt32(streamID))
        bytes.writeInteger(UInt16(0))
        // '10', data_alignment_indicator: a frame or a picture begins here.
        bytes.writeInteger(UInt8(0x84))
        guard presentation != decode else {
            bytes.writeInteger(UInt16(0x8007))
            writeTime(presentation, mark: 0b0010)
            bytes.writeInteger(UInt16(0xFFFF))  // stuffing, up to ``minimumSize``
            return
        }
        bytes.writeInteger(UInt16(0xC00A))
        writeTime(presentation, mark: 0b0011)
        writeTime(decode, mark: 0b0001)
    }

    /// 33 bits in three parts, each with a marker bit behind it.
    private mutating func writeTime(_ time: Int64, mark: UInt8) {
        let ticks = UInt64(bitPattern: time) & 0x1_FFFF_FFFF
        bytes.writeInteger(mark << 4 | UInt8(truncatingIfNeeded: ticks >> 29) & 0x0E | 1)
        bytes.writeInteger(UInt16(truncatingIfNeeded: ticks >> 14) | 1)
        bytes.writeInteger(UInt16(truncatingIfNeeded: ticks << 1) | 1)
    }

    /// A time in ticks of 90 kHz, rounded to the nearest.
    ///
    /// - Parameters:
    ///   - time: at most ``FragmentReader/maximumDecodeTime`` and the length of a segment from zero.
    ///   - timescale: its ticks a second.
    /// - Returns: the time.
    static func ticks(_ time: Int64, timescale: Int64) -> Int64 {
        guard timescale != Self.timescale else { return time }
        let (seconds, rest) = time.quotientAndRemainder(dividingBy: timescale)
        let half = rest < 0 ? -timescale / 2 : timescale / 2
        return seconds * Self.timescale + (rest * Self.timescale + half) / timescale
    }
}
