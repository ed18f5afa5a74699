/// sample_flags (ISO/IEC 14496-12 §8.8.3.1).
public struct SampleFlags: RawRepresentable, Hashable, Sendable {
    /// The 32 bits.
    public let rawValue: UInt32

    /// The flags with these 32 bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Whether decoding can start at the sample.
    public var isSync: Bool { rawValue & 0x0001_0000 == 0 }
    /// sample_depends_on: 0 unknown, 1 on others, 2 on none.
    public var dependsOn: UInt32 { rawValue >> 24 & 3 }
}

/// A media segment: `moof` and `mdat` pairs (ISO/IEC 14496-12 §8.8, ISO/IEC 23000-19 §7.3.2).
public struct MediaFragments: Sendable {
    /// One sample with all that applies to it.
    public struct Sample: Hashable, Sendable {
        /// When it is decoded, in ticks of its track.
        public let decodeTime: UInt64
        /// How long it lasts, in ticks.
        public let duration: UInt32
        /// Its presentation time less its decode time, in ticks.
        public let compositionOffset: Int64
        /// Its flags.
        public let flags: SampleFlags
        /// Where its bytes lie in the file.
        public let byteRange: Range<Int>

        /// Whether decoding can start here.
        public var isSync: Bool { flags.isSync }
        /// Its size in bytes.
        public var size: Int { byteRange.count }
        /// When its successor is decoded, in ticks.
        public var endTime: UInt64 { decodeTime + UInt64(duration) }
    }

    /// One `traf`.
    public struct TrackFragment: Sendable {
        /// track_ID.
        public let trackID: UInt32
        /// Ticks a second.
        public let timescale: UInt32
        /// `tfdt`, in ticks.
        public let baseMediaDecodeTime: UInt64
        /// Its samples, in the order of decoding.
        public let samples: [Sample]

        /// When its last sample ends, in ticks.
        public var endTime: UInt64 { samples.last?.endTime ?? baseMediaDecodeTime }
        /// How long it lasts, in seconds.
        public var duration: Double { Double(endTime - baseMediaDecodeTime) / Double(timescale) }
    }

    /// One `moof` with its `mdat`.
    public struct Fragment: Sendable {
        /// `mfhd`: the number among the fragments.
        public let sequenceNumber: UInt32
        /// Its tracks, in the order of the file.
        public let tracks: [TrackFragment]
    }

    /// The types of the boxes at the top, in the order of the file.
    public let topLevelTypes: [String]
    /// The brands of `styp`, the major brand first, or none.
    public let segmentBrands: [String]
    /// The fragments, in the order of the file.
    public let fragments: [Fragment]
    /// The event messages, in the order of the file.
    public let events: [EventMessage]
    /// How many bytes of `mdat` no sample refers to.
    public let unusedMediaDataBytes: Int

    /// All samples of a track over all fragments.
    public func samples(of trackID: UInt32) -> [Sample] {
        fragments.flatMap(\.tracks).filter { $0.trackID == trackID }.flatMap(\.samples)
    }

    init(_ bytes: [UInt8], initialization: InitializationSegment) throws(ISOBMFFError) {
        let file = Box(type: "file", start: 0, payload: 0..<bytes.count)
        let top = try Children(bytes, of: file)
        try top.allow(["styp", "sidx", "prft", "emsg", "moof", "mdat"])
        topLevelTypes = top.boxes.map(\.type)
        segmentBrands = try Self.segmentBrands(top)
        let mediaData = top.all("mdat").map(\.payload)
        var fragments: [Fragment] = []
        for (index, box) in top.boxes.enumerated() where box.type == "moof" {
            guard index + 1 < top.boxes.count, top.boxes[index + 1].type == "mdat" else {
                throw ISOBMFFError(offset: box.end, problem: "moof is not followed by its mdat")
            }
            fragments.append(try Self.fragment(Children(bytes, of: box), mediaData: mediaData, initialization))
        }
        guard !fragments.isEmpty else { throw top.fail("no moof") }
        guard fragments.count == mediaData.count else {
            throw top.fail("\(mediaData.count) mdat for \(fragments.count) moof")
        }
        try Self.expectContinuity(fragments)
        self.fragments = fragments
        var events: [EventMessage] = []
        for box in top.all("emsg") { events.append(try EventMessage(BoxCursor(bytes, box))) }
        self.events = events
        unusedMediaDataBytes = try Self.unusedBytes(mediaData, fragments)
    }

    private static func segmentBrands(_ top: Children) throws(ISOBMFFError) -> [String] {
        guard let box = try top.optional("styp") else { return [] }
        guard top.boxes.first?.type == "styp" else { throw top.fail("styp is not first") }
        var cursor = BoxCursor(top.bytes, box)
        var brands = [try cursor.fourCC()]
        _ = try cursor.u32()
        while cursor.remaining > 0 { brands.append(try cursor.fourCC()) }
        return brands
    }

    private static func fragment(
        _ fragment: Children,
        mediaData: [Range<Int>],
        _ initialization: InitializationSegment
    ) throws(ISOBMFFError) -> Fragment {
        try fragment.allow(["mfhd", "traf"])
        guard fragment.boxes.first?.type == "mfhd" else { throw fragment.fail("does not begin with mfhd") }
        var header = try fragment.cursor("mfhd")
        _ = try header.fullBox(versions: 0...0)
        let number = try header.u32()
        try header.expectEnd()
        var tracks: [TrackFragment] = []
        for box in fragment.all("traf") {
            let moof = fragment.parent
            let reader = TrackFragmentReader(moof: moof, mediaData: mediaData, initialization: initialization)
            let track = try reader.read(Children(fragment.bytes, of: box))
            guard !tracks.contains(where: { $0.trackID == track.trackID }) else {
                throw fragment.fail("two traf of track \(track.trackID)")
            }
            tracks.append(track)
        }
        // None is in order (§8.8.6): a live may have had nothing for so long.
        return Fragment(sequenceNumber: number, tracks: tracks)
    }

    /// Within one file, sequence numbers rise and every track goes on where it stopped.
    private static func expectContinuity(_ fragments: [Fragment]) throws(ISOBMFFError) {
        var ends: [UInt32: UInt64] = [:]
        for (index, fragment) in fragments.enumerated() {
            if index > 0, fragment.sequenceNumber <= fragments[index - 1].sequenceNumber {
                throw ISOBMFFError(offset: 0, problem: "mfhd sequence number \(fragment.sequenceNumber) does not rise")
            }
            for track in fragment.tracks {
                if let end = ends[track.trackID], end != track.baseMediaDecodeTime {
                    throw ISOBMFFError(
                        offset: 0,
                        problem: "track \(track.trackID): tfdt \(track.baseMediaDecodeTime), expected \(end)"
                    )
                }
                ends[track.trackID] = track.endTime
            }
        }
    }

    private static func unusedBytes(_ mediaData: [Range<Int>], _ fragments: [Fragment]) throws(ISOBMFFError) -> Int {
        let ranges = fragments.flatMap(\.tracks).flatMap(\.samples).map(\.byteRange).filter { !$0.isEmpty }
            .sorted { $0.lowerBound < $1.lowerBound }
        for (left, right) in zip(ranges, ranges.dropFirst()) where left.upperBound > right.lowerBound {
            throw ISOBMFFError(offset: right.lowerBound, problem: "two samples share bytes")
        }
        return mediaData.reduce(0) { $0 + $1.count } - ranges.reduce(0) { $0 + $1.count }
    }
}

/// Reads one `traf` and works out every sample's fields from `trun`, `tfhd` and `trex`.
private struct TrackFragmentReader {
    let moof: Box
    let mediaData: [Range<Int>]
    let initialization: InitializationSegment

    func read(_ fragment: Children) throws(ISOBMFFError) -> MediaFragments.TrackFragment {
        try fragment.allow(["tfhd", "tfdt", "trun", "sbgp", "sgpd", "subs", "saiz", "saio"])
        guard fragment.boxes.first?.type == "tfhd" else { throw fragment.fail("does not begin with tfhd") }
        let header = try header(fragment.cursor("tfhd"))
        let base = try decodeTime(fragment.cursor("tfdt"))
        var samples: [MediaFragments.Sample] = []
        var time = base
        var dataEnd: Int?
        for box in fragment.all("trun") {
            let run = try run(BoxCursor(fragment.bytes, box), header, time: time, previousEnd: dataEnd)
            samples += run
            time = run.last?.endTime ?? time
            dataEnd = run.last?.byteRange.upperBound ?? dataEnd
        }
        guard !samples.isEmpty else { throw fragment.fail("no samples") }
        return MediaFragments.TrackFragment(
            trackID: header.track.trackID,
            timescale: header.track.timescale,
            baseMediaDecodeTime: base,
            samples: samples
        )
    }

    private struct Header {
        let track: InitializationSegment.Track
        let baseOffset: Int
        let defaults: InitializationSegment.SampleDefaults
    }

    /// `tfhd` (§8.8.7).
    private func header(_ cursor: BoxCursor) throws(ISOBMFFError) -> Header {
        var cursor = cursor
        let (_, flags) = try cursor.fullBox(versions: 0...0)
        let known: UInt32 = 0x03_003B
        guard flags & ~known == 0 else { throw cursor.fail("unknown flags \(String(flags, radix: 16))") }
        let trackID = try cursor.u32()
        guard let track = initialization.tracks.first(where: { $0.trackID == trackID }) else {
            throw cursor.fail("track \(trackID) is not in the initialization segment")
        }
        var baseOffset = moof.start
        if flags & 0x01 != 0 {
            guard flags & 0x02_0000 == 0 else { throw cursor.fail("base data offset and default-base-is-moof") }
            guard let offset = Int(exactly: try cursor.u64()) else { throw cursor.fail("base data offset") }
            baseOffset = offset
        } else {
            // ISO/IEC 23000-19 §7.3.2.3 and RFC 8216 §3.3: offsets are relative to the moof.
            guard flags & 0x02_0000 != 0 else { throw cursor.fail("neither base data offset nor default-base-is-moof") }
        }
        var defaults = track.defaults
        if flags & 0x02 != 0 { defaults.descriptionIndex = try cursor.u32() }
        if flags & 0x08 != 0 { defaults.duration = try cursor.u32() }
        if flags & 0x10 != 0 { defaults.size = try cursor.u32() }
        if flags & 0x20 != 0 { defaults.flags = SampleFlags(rawValue: try cursor.u32()) }
        try cursor.expectEnd()
        guard defaults.descriptionIndex == 1 else {
            throw cursor.fail("sample description \(defaults.descriptionIndex) of 1")
        }
        return Header(track: track, baseOffset: baseOffset, defaults: defaults)
    }

    /// `tfdt` (§8.8.12).
    private func decodeTime(_ cursor: BoxCursor) throws(ISOBMFFError) -> UInt64 {
        var cursor = cursor
        let (version, flags) = try cursor.fullBox(versions: 0...1)
        guard flags == 0 else { throw cursor.fail("flags \(flags), expected 0") }
        let time = try cursor.unsigned(version == 1 ? 8 : 4)
        guard time < 1 << 62 else { throw cursor.fail("time \(time)") }
        try cursor.expectEnd()
        return time
    }

    /// `trun` (§8.8.8).
    private func run(
        _ cursor: BoxCursor,
        _ header: Header,
        time: UInt64,
        previousEnd: Int?
    ) throws(ISOBMFFError) -> [MediaFragments.Sample] {
        var cursor = cursor
        let (version, flags) = try cursor.fullBox(versions: 0...1)
        guard flags & ~0xF05 == 0 else { throw cursor.fail("unknown flags \(String(flags, radix: 16))") }
        let count = Int(try cursor.u32())
        var offset = previousEnd ?? header.baseOffset
        if flags & 0x001 != 0 { offset = header.baseOffset + Int(try cursor.i32()) }
        var firstFlags: SampleFlags?
        if flags & 0x004 != 0 {
            guard flags & 0x400 == 0 else { throw cursor.fail("first sample flags and sample flags together") }
            firstFlags = SampleFlags(rawValue: try cursor.u32())
        }
        var samples: [MediaFragments.Sample] = []
        var time = time
        for index in 0..<count {
            let duration = flags & 0x100 != 0 ? try cursor.u32() : header.defaults.duration
            let size = Int(flags & 0x200 != 0 ? try cursor.u32() : header.defaults.size)
            var sampleFlags = flags & 0x400 != 0 ? SampleFlags(rawValue: try cursor.u32()) : header.defaults.flags
            if index == 0, let firstFlags { sampleFlags = firstFlags }
            var composition: Int64 = 0
            if flags & 0x800 != 0 {
                composition = version == 0 ? Int64(try cursor.u32()) : Int64(try cursor.i32())
            }
            guard offset >= 0, mediaData.contains(where: { $0.lowerBound <= offset && offset + size <= $0.upperBound })
            else {
                throw cursor.fail("sample \(index) of \(size) bytes at \(offset) lies outside of every mdat")
            }
            samples.append(
                MediaFragments.Sample(
                    decodeTime: time,
                    duration: duration,
                    compositionOffset: composition,
                    flags: sampleFlags,
                    byteRange: offset..<offset + size
                )
            )
            time += UInt64(duration)
            offset += size
        }
        try cursor.expectEnd()
        return samples
    }
}
