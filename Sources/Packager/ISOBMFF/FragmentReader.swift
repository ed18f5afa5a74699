internal import NIOCore

/// Reads back what ``MediaSegmentWriter`` writes: pairs of `moof` and `mdat`, with event messages in front of them.
///
/// Payloads are slices of what was read: nothing is copied.
enum FragmentReader {
    /// The longest decode time, in ticks: eleven years of 192 kHz, which leaves room to count it in other clocks.
    static let maximumDecodeTime: UInt64 = 1 << 46

    /// The samples of a segment or a part, by track_ID and in decoding order.
    ///
    /// - Parameter pieces: its bytes; each piece holds whole pairs.
    /// - Returns: the samples.
    /// - Throws: ``FragmentError`` when it is cut short, lacks a box, or is written in a way that ours is not.
    /// - Complexity: O(*n*) in the samples.
    static func samples(of pieces: [ByteBuffer]) throws(FragmentError) -> [UInt32: [Sample]] {
        var samples: [UInt32: [Sample]] = [:]
        for piece in pieces {
            var reader = BoxReader(piece)
            while let box = try reader.nextBox() {
                guard box.type == "moof" else { continue }
                var fragment = box.payload
                while let part = try fragment.nextBox() {
                    if part.type == "traf" { try read(part.payload, moof: box.start, into: &samples) }
                }
            }
        }
        return samples
    }

    /// What `tfhd`, `tfdt` and `trun` of a track say (§8.8.7, §8.8.12, §8.8.8).
    private static func read(
        _ traf: BoxReader,
        moof: Int,
        into samples: inout [UInt32: [Sample]]
    ) throws(FragmentError) {
        let id = try trackID(of: traf)
        try append(try run(of: traf), at: try decodeTime(of: traf), moof: moof, to: &samples[id, default: []])
    }

    /// When the first sample of a `traf` decodes, in ticks.
    static func decodeTime(of traf: BoxReader) throws(FragmentError) -> Int64 {
        var time = try traf.box("tfdt")
        try time.skip(4)
        let decodeTime = try time.read(UInt64.self)
        guard decodeTime <= maximumDecodeTime else { throw .unexpected("decode time \(decodeTime)") }
        return Int64(decodeTime)
    }

    /// track_ID of a `traf`.
    static func trackID(of traf: BoxReader) throws(FragmentError) -> UInt32 {
        var header = try traf.box("tfhd")
        try header.skip(4)
        return try header.read(UInt32.self)
    }

    /// A `trun` behind its version, flags, sample_count and data_offset.
    struct Run {
        /// How many entries there are.
        let count: Int
        /// Where the media begins, counted from the `moof`.
        let dataOffset: Int
        /// Where `data_offset` itself is in the buffer.
        let dataOffsetIndex: Int
        /// Reads the entries.
        var entries: BoxReader

        /// Reads the next entry.
        mutating func next() throws(FragmentError) -> (
            duration: Int64, size: Int, isSync: Bool, compositionOffset: Int64
        ) {
            let first = try entries.read(UInt64.self)
            let second = try entries.read(UInt64.self)
            return (
                duration: Int64(first >> 32),
                size: Int(first & 0xFFFF_FFFF),
                isSync: second >> 32 & 0x1_0000 == 0,
                compositionOffset: Int64(Int32(truncatingIfNeeded: second))
            )
        }
    }

    /// The `trun` of a `traf`: one, of version 1, with all fields of every sample.
    static func run(of traf: BoxReader) throws(FragmentError) -> Run {
        var run = try traf.box("trun")
        let form = try run.read(UInt32.self)
        guard form == 0x0100_0F01 else { throw .unexpected("trun of the form \(String(form, radix: 16))") }
        let count = Int(try run.read(UInt32.self))
        let index = run.position
        let offset = Int(try run.read(Int32.self))
        guard run.remaining == count * 16 else { throw .unexpected("\(count) samples in \(run.remaining) bytes") }
        return Run(count: count, dataOffset: offset, dataOffsetIndex: index, entries: run)
    }

    private static func append(
        _ run: Run,
        at decodeTime: Int64,
        moof: Int,
        to samples: inout [Sample]
    ) throws(FragmentError) {
        var run = run
        var decodeTime = decodeTime
        var index = moof + run.dataOffset
        samples.reserveCapacity(samples.count + run.count)
        for _ in 0..<run.count {
            let entry = try run.next()
            guard let payload = run.entries.buffer.getSlice(at: index, length: entry.size) else { throw .truncated }
            samples.append(
                Sample(
                    decodeTime: decodeTime,
                    duration: entry.duration,
                    compositionOffset: entry.compositionOffset,
                    isSync: entry.isSync,
                    payload: payload
                )
            )
            decodeTime += entry.duration
            index += entry.size
        }
    }
}
