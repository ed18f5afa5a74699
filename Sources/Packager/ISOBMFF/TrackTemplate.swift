internal import NIOCore

/// What a progressive file takes over from a `trak` of an initialization segment.
struct TrackTemplate {
    /// What sets one track of a progressive file apart from others of its source.
    ///
    /// Samples with other configurations of the same coding share a track with several sample entries (ISO/IEC 14496-12
    /// §8.5.2). Players take no other codec, timescale or number of channels in the middle of a track: that is a further track.
    struct Coding: Hashable {
        /// handler_type: `vide` or `soun`.
        let handler: UInt32
        /// The four letters of the sample entry.
        let format: UInt32
        /// Ticks a second.
        let timescale: UInt32
        /// Of sound; 0 for pictures.
        let channelCount: UInt16
    }

    static let video: UInt32 = 0x7669_6465  // "vide"
    static let audio: UInt32 = 0x736F_756E  // "soun"

    /// track_ID in the initialization segment.
    let id: UInt32
    let coding: Coding
    /// Three letters of five bits (§8.4.2.3).
    let language: UInt16
    let volume: UInt16
    /// The transformation matrix, 36 bytes (§8.3.2.3): rotation.
    let matrix: ByteBuffer
    /// Width and height of the presentation, 16.16.
    let width: UInt32
    let height: UInt32
    /// `hdlr`, `vmhd` or `smhd`, and `dinf`, whole.
    let handlerBox: ByteBuffer
    let mediaHeaderBox: ByteBuffer
    let dataInformationBox: ByteBuffer
    /// The first sample entry, whole.
    let sampleEntry: ByteBuffer

    /// The tracks of an initialization segment that carry pictures or sound, in its order.
    ///
    /// - Throws: ``FragmentError`` when it is cut short, or lacks a box.
    static func templates(of initialization: ByteBuffer) throws(FragmentError) -> [TrackTemplate] {
        var movie = try BoxReader(initialization).box("moov")
        var templates: [TrackTemplate] = []
        while let box = try movie.nextBox() {
            guard box.type == "trak" else { continue }
            let handler = try handler(of: box.payload)
            if handler == video || handler == audio { templates.append(try TrackTemplate(box.payload, handler)) }
        }
        return templates
    }

    private static func handler(of trak: BoxReader) throws(FragmentError) -> UInt32 {
        var handler = try trak.box("mdia").box("hdlr")
        try handler.skip(8)
        return try handler.read(UInt32.self)
    }

    private init(_ trak: BoxReader, _ handler: UInt32) throws(FragmentError) {
        var header = try trak.box("tkhd")
        let isLong = try header.read(UInt32.self) >> 24 == 1
        try header.skip(isLong ? 16 : 8)  // creation_time, modification_time
        id = try header.read(UInt32.self)
        try header.skip((isLong ? 12 : 8) + 8 + 4)  // reserved, duration; reserved; layer, alternate_group
        volume = try header.read(UInt16.self)
        try header.skip(2)
        matrix = try header.readBytes(36)
        width = try header.read(UInt32.self)
        height = try header.read(UInt32.self)

        let media = try trak.box("mdia")
        let timescale: UInt32
        (timescale, language) = try Self.readMediaHeader(media)
        let information = try media.box("minf")
        handlerBox = try media.wholeBox("hdlr")
        mediaHeaderBox = try information.wholeBox(handler == Self.video ? "vmhd" : "smhd")
        dataInformationBox = try information.wholeBox("dinf")

        var descriptions = try information.box("stbl").box("stsd")
        try descriptions.skip(8)
        guard var entry = try descriptions.nextBox() else { throw .missing(box: "sample entry") }
        sampleEntry = try descriptions.slice(entry.start..<entry.payload.end)
        var letters = BoxReader(sampleEntry)
        try letters.skip(4)
        let format = try letters.read(UInt32.self)
        var channelCount: UInt16 = 0
        if handler == Self.audio {
            try entry.payload.skip(16)
            channelCount = try entry.payload.read(UInt16.self)
        }
        coding = Coding(handler: handler, format: format, timescale: timescale, channelCount: channelCount)
    }

    /// `mdhd` (§8.4.2).
    private static func readMediaHeader(
        _ media: BoxReader
    ) throws(FragmentError) -> (timescale: UInt32, language: UInt16) {
        var header = try media.box("mdhd")
        let isLong = try header.read(UInt32.self) >> 24 == 1
        try header.skip(isLong ? 16 : 8)
        let timescale = try header.read(UInt32.self)
        // Lengths in ticks are to be converted without leaving 64 bits.
        guard (1...1 << 30).contains(timescale) else { throw .unexpected("timescale \(timescale)") }
        try header.skip(isLong ? 8 : 4)
        return (timescale, try header.read(UInt16.self))
    }
}

extension BoxReader {
    /// Some bytes of what it reads from.
    func slice(_ range: Range<Int>) throws(FragmentError) -> ByteBuffer {
        guard let bytes = buffer.getSlice(at: range.lowerBound, length: range.count) else { throw .truncated }
        return bytes
    }

    /// Reads some bytes.
    fileprivate mutating func readBytes(_ count: Int) throws(FragmentError) -> ByteBuffer {
        let start = position
        try skip(count)
        return try slice(start..<start + count)
    }

    /// The first box of a type among those that are left, header included.
    fileprivate func wholeBox(_ type: String) throws(FragmentError) -> ByteBuffer {
        var reader = self
        while let box = try reader.nextBox() {
            if box.type == type { return try slice(box.start..<box.payload.end) }
        }
        throw .missing(box: type)
    }
}
