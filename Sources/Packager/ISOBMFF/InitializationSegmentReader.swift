internal import MediaCore
internal import NIOCore

/// A track as an initialization segment describes it.
struct TrackDescription: Hashable {
    /// How its samples are coded.
    enum Coding: Hashable {
        case avc(AVCDecoderConfigurationRecord)
        case hevc(HEVCDecoderConfigurationRecord)
        case aac(AudioSpecificConfig)
        /// MP3, with the objectTypeIndication of `esds`: the frames say the rest.
        case mp3(objectType: UInt8)
        case ac3
        case eac3
        /// Anything else, by the four letters of its sample entry.
        case other(String)
    }

    /// track_ID.
    let id: UInt32
    let kind: MediaKind
    /// Ticks a second, at least a thousand.
    let timescale: Int64
    let coding: Coding
}

/// Reads back what ``InitializationSegmentWriter`` writes.
enum InitializationSegmentReader {
    /// The tracks of an initialization segment, in its order.
    ///
    /// - Throws: ``FragmentError`` when it is cut short, lacks a box, or has a configuration that cannot be read.
    static func tracks(of segment: ByteBuffer) throws(FragmentError) -> [TrackDescription] {
        var movie = try BoxReader(segment).box("moov")
        var tracks: [TrackDescription] = []
        while let box = try movie.nextBox() {
            if box.type == "trak" { tracks.append(try track(box.payload)) }
        }
        return tracks
    }

    private static func track(_ trak: BoxReader) throws(FragmentError) -> TrackDescription {
        let id = try trackID(of: trak)
        let media = try trak.box("mdia")
        var header = try media.box("mdhd")
        try header.skip(12)  // version and flags, creation_time, modification_time
        let timescale = Int64(try header.read(UInt32.self))
        guard timescale >= minimumTimescale else { throw .unexpected("timescale \(timescale)") }
        var descriptions = try media.box("minf").box("stbl").box("stsd")
        try descriptions.skip(8)
        guard let entry = try descriptions.nextBox() else { throw .missing(box: "sample entry") }
        let kind = try kind(of: media)
        return TrackDescription(id: id, kind: kind, timescale: timescale, coding: try coding(entry.type, entry.payload))
    }

    /// track_ID, for `trak` of version 0.
    static func trackID(of trak: BoxReader) throws(FragmentError) -> UInt32 {
        var header = try trak.box("tkhd")
        try header.skip(12)
        return try header.read(UInt32.self)
    }

    /// What `hdlr` says of a track.
    static func kind(of media: BoxReader) throws(FragmentError) -> MediaKind {
        var handler = try media.box("hdlr")
        try handler.skip(8)
        return try handler.read(UInt32.self) == 0x7669_6465 ? .video : .audio  // "vide"
    }

    /// The lowest sampling frequency of any codec here: below it, ``FragmentReader/maximumDecodeTime`` would be ages.
    private static let minimumTimescale: Int64 = 1000
    private static let visualEntryFields = 78
    private static let audioEntryFields = 28

    private static func coding(_ type: String, _ entry: BoxReader) throws(FragmentError) -> TrackDescription.Coding {
        var entry = entry
        do throws(CodecConfigurationError) {
            switch type {
            case "avc1":
                return .avc(try AVCDecoderConfigurationRecord(box("avcC", behind: visualEntryFields, of: entry)))
            case "hvc1":
                return .hevc(try HEVCDecoderConfigurationRecord(box("hvcC", behind: visualEntryFields, of: entry)))
            default: break
            }
        } catch {
            throw .configuration(error)
        }
        switch type {
        case "mp4a":
            try entry.skip(audioEntryFields)
            return try elementaryStream(try entry.box("esds"))
        case "ac-3": return .ac3
        case "ec-3": return .eac3
        default: return .other(type)
        }
    }

    /// An empty array, which no record can be read from, where there is no such box.
    private static func box(_ type: String, behind fields: Int, of entry: BoxReader) -> [UInt8] {
        var entry = entry
        guard (try? entry.skip(fields)) != nil else { return [] }
        return (try? entry.box(type))?.bytes ?? []
    }

    /// ES_Descriptor, DecoderConfigDescriptor, DecoderSpecificInfo (ISO/IEC 14496-1 §7.2.6.5).
    private static func elementaryStream(_ esds: BoxReader) throws(FragmentError) -> TrackDescription.Coding {
        var reader = esds
        try reader.skip(4)
        try reader.enterDescriptor(tag: 0x03)
        try reader.skip(3)
        try reader.enterDescriptor(tag: 0x04)
        let objectType = try reader.read(UInt8.self)
        try reader.skip(12)
        guard objectType == 0x40 else { return .mp3(objectType: objectType) }
        let length = try reader.enterDescriptor(tag: 0x05)
        do throws(CodecConfigurationError) {
            return .aac(try AudioSpecificConfig(Array(reader.bytes.prefix(length))))
        } catch {
            throw .configuration(error)
        }
    }
}

extension BoxReader {
    /// Reads a descriptor's tag and length, in groups of seven bits (ISO/IEC 14496-1 §8.3.3).
    @discardableResult
    fileprivate mutating func enterDescriptor(tag: UInt8) throws(FragmentError) -> Int {
        let seen = try read(UInt8.self)
        guard seen == tag else { throw .unexpected("descriptor \(seen), expected \(tag)") }
        var length = 0
        for _ in 0..<4 {
            let byte = try read(UInt8.self)
            length = length << 7 | Int(byte & 0x7F)
            if byte & 0x80 == 0 { return length }
        }
        throw .unexpected("descriptor length of more than four bytes")
    }
}
