/// An initialization segment: what EXT-X-MAP names (ISO/IEC 14496-12 §8.2, ISO/IEC 23000-19 §7.3.1).
public struct InitializationSegment: Sendable {
    /// The brands of `ftyp`.
    public struct FileType: Hashable, Sendable {
        /// The major brand.
        public let majorBrand: String
        /// The minor version of the major brand.
        public let minorVersion: UInt32
        /// The compatible brands.
        public let compatibleBrands: [String]
    }

    /// One `trak` with its `trex`.
    public struct Track: Sendable {
        /// track_ID.
        public let trackID: UInt32
        /// The flags of `tkhd`: 1 enabled, 2 in movie, 4 in preview.
        public let headerFlags: UInt32
        /// The width and height of `tkhd` in pixels, 0 for sound.
        public let presentationSize: (width: Double, height: Double)
        /// Ticks a second of this track's times.
        public let timescale: UInt32
        /// The language of `mdhd` (ISO 639-2/T).
        public let language: String
        /// The handler: `vide` or `soun`.
        public let handlerType: String
        /// What its samples are.
        public let sampleEntry: SampleEntry
        /// The defaults of `trex`.
        public let defaults: SampleDefaults
    }

    /// What `trex` or `tfhd` say of samples that do not say it themselves.
    public struct SampleDefaults: Hashable, Sendable {
        /// sample_description_index.
        public var descriptionIndex: UInt32
        /// Ticks.
        public var duration: UInt32
        /// Bytes.
        public var size: UInt32
        /// Sample flags.
        public var flags: SampleFlags
    }

    /// The brands.
    public let fileType: FileType
    /// Ticks a second of the movie header.
    public let movieTimescale: UInt32
    /// The duration of the movie header, 0 for a fragmented one.
    public let movieDuration: UInt64
    /// next_track_ID, which ISO/IEC 14496-12 §8.2.2.3 wants above every track's; ffmpeg writes 2 whatever the tracks.
    public let nextTrackID: UInt32
    /// The tracks in the order of the file.
    public let tracks: [Track]

    /// The only track of a handler, or `nil`.
    public func track(handler: String) -> Track? {
        tracks.first { $0.handlerType == handler }
    }

    init(_ bytes: [UInt8]) throws(ISOBMFFError) {
        let file = Box(type: "file", start: 0, payload: 0..<bytes.count)
        let top = try Children(bytes, of: file)
        try top.allow(["ftyp", "moov"])
        guard top.boxes.first?.type == "ftyp" else { throw top.fail("does not begin with ftyp") }
        fileType = try Self.fileType(top.cursor("ftyp"))
        let movie = try top.children("moov")
        try movie.allow(["mvhd", "trak", "mvex"])
        let header = try Self.movieHeader(movie.cursor("mvhd"))
        movieTimescale = header.timescale
        movieDuration = header.duration
        nextTrackID = header.nextTrackID

        let defaults = try Self.trackExtends(movie.children("mvex"))
        var tracks: [Track] = []
        for box in movie.all("trak") {
            let track = try Self.track(Children(bytes, of: box), defaults: defaults)
            guard !tracks.contains(where: { $0.trackID == track.trackID }) else {
                throw movie.fail("two tracks \(track.trackID)")
            }
            tracks.append(track)
        }
        guard !tracks.isEmpty else { throw movie.fail("no trak") }
        guard defaults.count == tracks.count else { throw movie.fail("\(defaults.count) trex, \(tracks.count) trak") }
        self.tracks = tracks
    }

    private static func fileType(_ cursor: BoxCursor) throws(ISOBMFFError) -> FileType {
        var cursor = cursor
        let major = try cursor.fourCC()
        let minor = try cursor.u32()
        var compatible: [String] = []
        while cursor.remaining > 0 { compatible.append(try cursor.fourCC()) }
        return FileType(majorBrand: major, minorVersion: minor, compatibleBrands: compatible)
    }

    private static func movieHeader(
        _ cursor: BoxCursor
    ) throws(ISOBMFFError) -> (timescale: UInt32, duration: UInt64, nextTrackID: UInt32) {
        var cursor = cursor
        let (version, flags) = try cursor.fullBox(versions: 0...1)
        guard flags == 0 else { throw cursor.fail("flags \(flags), expected 0") }
        let wide = version == 1 ? 8 : 4
        _ = try cursor.bytes(2 * wide)
        let timescale = try cursor.u32()
        guard timescale > 0 else { throw cursor.fail("timescale 0") }
        let duration = try cursor.unsigned(wide)
        guard try cursor.u32() == 0x0001_0000 else { throw cursor.fail("rate other than 1.0") }
        guard try cursor.u16() == 0x0100 else { throw cursor.fail("volume other than 1.0") }
        try cursor.zeros(10)
        try expectUnityMatrix(&cursor)
        try cursor.zeros(24)
        let next = try cursor.u32()
        try cursor.expectEnd()
        return (timescale, duration, next)
    }

    private static func expectUnityMatrix(_ cursor: inout BoxCursor) throws(ISOBMFFError) {
        for expected: UInt32 in [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x4000_0000] {
            let value = try cursor.u32()
            guard value == expected else { throw cursor.fail("matrix element \(value), expected \(expected)") }
        }
    }

    private static func trackExtends(_ extends: Children) throws(ISOBMFFError) -> [UInt32: SampleDefaults] {
        try extends.allow(["mehd", "trex"])
        var defaults: [UInt32: SampleDefaults] = [:]
        for box in extends.all("trex") {
            var cursor = BoxCursor(extends.bytes, box)
            _ = try cursor.fullBox(versions: 0...0)
            let trackID = try cursor.u32()
            guard defaults[trackID] == nil else { throw cursor.fail("second trex of track \(trackID)") }
            defaults[trackID] = SampleDefaults(
                descriptionIndex: try cursor.u32(),
                duration: try cursor.u32(),
                size: try cursor.u32(),
                flags: SampleFlags(rawValue: try cursor.u32())
            )
            try cursor.expectEnd()
        }
        return defaults
    }

    private static func track(
        _ track: Children,
        defaults: [UInt32: SampleDefaults]
    ) throws(ISOBMFFError) -> Track {
        try track.allow(["tkhd", "edts", "tref", "mdia"])
        let header = try trackHeader(track.cursor("tkhd"))
        guard let extends = defaults[header.trackID] else { throw track.fail("track \(header.trackID) has no trex") }
        let media = try track.children("mdia")
        try media.allow(["mdhd", "hdlr", "minf", "elng"])
        let (timescale, language) = try mediaHeader(media.cursor("mdhd"))
        let handler = try handlerType(media.cursor("hdlr"))
        let entry = try sampleEntry(media.children("minf"), handler: handler)
        guard extends.descriptionIndex == 1 else {
            throw track.fail("trex names sample description \(extends.descriptionIndex) of 1")
        }
        return Track(
            trackID: header.trackID,
            headerFlags: header.flags,
            presentationSize: header.size,
            timescale: timescale,
            language: language,
            handlerType: handler,
            sampleEntry: entry,
            defaults: extends
        )
    }

    private static func trackHeader(
        _ cursor: BoxCursor
    ) throws(ISOBMFFError) -> (trackID: UInt32, flags: UInt32, size: (Double, Double)) {
        var cursor = cursor
        let (version, flags) = try cursor.fullBox(versions: 0...1)
        guard flags & 1 == 1 else { throw cursor.fail("track is not enabled (flags \(flags))") }
        let wide = version == 1 ? 8 : 4
        _ = try cursor.bytes(2 * wide)
        let trackID = try cursor.u32()
        guard trackID != 0 else { throw cursor.fail("track_ID 0") }
        try cursor.zeros(4)
        _ = try cursor.bytes(wide)
        try cursor.zeros(8)
        _ = try cursor.bytes(6)
        try cursor.zeros(2)
        try expectUnityMatrix(&cursor)
        let size = (Double(try cursor.u32()) / 65_536, Double(try cursor.u32()) / 65_536)
        try cursor.expectEnd()
        return (trackID, flags, size)
    }

    private static func mediaHeader(_ cursor: BoxCursor) throws(ISOBMFFError) -> (UInt32, String) {
        var cursor = cursor
        let (version, _) = try cursor.fullBox(versions: 0...1)
        let wide = version == 1 ? 8 : 4
        _ = try cursor.bytes(2 * wide)
        let timescale = try cursor.u32()
        guard timescale > 0 else { throw cursor.fail("timescale 0") }
        _ = try cursor.bytes(wide)
        let packed = try cursor.u16()
        guard packed >> 15 == 0 else { throw cursor.fail("language padding bit is set") }
        let letters = [packed >> 10, packed >> 5, packed].map { UInt8($0 & 0x1F) + 0x60 }
        guard letters.allSatisfy({ (0x61...0x7A).contains($0) }) else { throw cursor.fail("language \(packed)") }
        try cursor.zeros(2)
        try cursor.expectEnd()
        return (timescale, String(decoding: letters, as: UTF8.self))
    }

    private static func handlerType(_ cursor: BoxCursor) throws(ISOBMFFError) -> String {
        var cursor = cursor
        _ = try cursor.fullBox(versions: 0...0)
        try cursor.zeros(4)
        let type = try cursor.fourCC()
        try cursor.zeros(12)
        let name = try cursor.bytes(cursor.remaining)
        guard name.last == 0 else { throw cursor.fail("name is not terminated") }
        return type
    }

    private static func sampleEntry(_ information: Children, handler: String) throws(ISOBMFFError) -> SampleEntry {
        try information.allow(["vmhd", "smhd", "dinf", "stbl"])
        switch handler {
        case "vide":
            var header = try information.cursor("vmhd")
            guard try header.fullBox(versions: 0...0).flags == 1 else { throw header.fail("flags other than 1") }
            try header.zeros(8)
            try header.expectEnd()
        case "soun":
            var header = try information.cursor("smhd")
            _ = try header.fullBox(versions: 0...0)
            try header.zeros(4)
            try header.expectEnd()
        default:
            throw information.fail("handler \(handler), expected vide or soun")
        }
        try expectSelfContained(information.children("dinf"))
        let table = try information.children("stbl")
        try table.allow(["stsd", "stts", "ctts", "stsc", "stsz", "stco", "co64", "stss", "sgpd", "sbgp"])
        for type in ["stts", "stsc", "stco"] { try expectEmptyTable(table.cursor(type)) }
        var sizes = try table.cursor("stsz")
        _ = try sizes.fullBox(versions: 0...0)
        try sizes.zeros(8)
        try sizes.expectEnd()
        return try SampleEntry(descriptions: table.cursor("stsd"), handler: handler)
    }

    private static func expectSelfContained(_ information: Children) throws(ISOBMFFError) {
        var reference = try information.cursor("dref")
        _ = try reference.fullBox(versions: 0...0)
        guard try reference.u32() == 1 else { throw reference.fail("other than one data reference") }
        let entry = try reference.box()
        try reference.expectEnd()
        var url = BoxCursor(information.bytes, entry)
        guard entry.type == "url ", try url.fullBox(versions: 0...0).flags == 1 else {
            throw reference.fail("data reference \(entry.type) does not point into the same file")
        }
        try url.expectEnd()
    }

    private static func expectEmptyTable(_ cursor: BoxCursor) throws(ISOBMFFError) {
        var cursor = cursor
        _ = try cursor.fullBox(versions: 0...0)
        guard try cursor.u32() == 0 else { throw cursor.fail("has entries, which belong into fragments") }
        try cursor.expectEnd()
    }
}
