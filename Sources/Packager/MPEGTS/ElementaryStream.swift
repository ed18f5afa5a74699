internal import MediaCore

/// How a track is carried in a transport stream (ISO/IEC 13818-1 §2.4.3.7, §2.4.4.9).
struct ElementaryStream: Hashable {
    /// What is written in front of, or instead of, parts of a sample.
    enum Form: Hashable {
        case annexB(AnnexBFormat)
        case adts(ADTSFormat)
        /// Frames that have their own headers.
        case frames
    }

    /// track_ID in the stored media.
    let trackID: UInt32
    let kind: MediaKind
    /// Ticks a second in the stored media.
    let timescale: Int64
    let pid: UInt16
    /// stream_type of the program map.
    let type: UInt8
    /// stream_id of the PES packets.
    let streamID: UInt8
    /// The descriptors of the program map.
    let descriptors: [UInt8]
    let form: Form

    private static let firstPID: UInt16 = 0x100
    /// As many as fit one packet of the program map with room to spare; a rendition has two.
    private static let maximumCount = 8

    /// The streams of an initialization segment's tracks, the video first.
    ///
    /// - Throws: ``TransportStreamError`` when one of them cannot be carried.
    static func streams(of tracks: [TrackDescription]) throws(TransportStreamError) -> [ElementaryStream] {
        guard tracks.count <= maximumCount else { throw .unreadable("\(tracks.count) tracks, at most \(maximumCount)") }
        var streams: [ElementaryStream] = []
        for track in tracks.filter({ $0.kind == .video }) + tracks.filter({ $0.kind == .audio }) {
            streams.append(try ElementaryStream(track, pid: firstPID + UInt16(clamping: streams.count)))
        }
        return streams
    }

    private init(_ track: TrackDescription, pid: UInt16) throws(TransportStreamError) {
        trackID = track.id
        kind = track.kind
        timescale = track.timescale
        self.pid = pid
        var descriptors: [UInt8] = []
        switch track.coding {
        case .avc(let record): (type, streamID, form) = (0x1B, 0xE0, .annexB(AnnexBFormat(record)))
        case .hevc(let record): (type, streamID, form) = (0x24, 0xE0, .annexB(AnnexBFormat(record)))
        case .aac(let config): (type, streamID, form) = (0x0F, 0xC0, .adts(try ADTSFormat(config)))
        // 0x6B: MPEG-1 audio. Anything else is what MPEG-2 added.
        case .mp3(let objectType): (type, streamID, form) = (objectType == 0x6B ? 0x03 : 0x04, 0xC0, .frames)
        // ATSC A/52 Annex A and G: private streams, told apart by their registration.
        case .ac3:
            (type, streamID, form) = (0x81, 0xBD, .frames)
            descriptors = Self.registration("AC-3")
        case .eac3:
            (type, streamID, form) = (0x87, 0xBD, .frames)
            descriptors = Self.registration("EAC3")
        case .other(let entry): throw .codec(Self.names[entry] ?? entry)
        }
        self.descriptors = descriptors
    }

    /// As ``CodecConfiguration/codecName`` has them.
    private static let names = ["av01": "AV1", "vp09": "VP9", "Opus": "Opus", "fLaC": "FLAC"]

    /// registration_descriptor (§2.6.8).
    private static func registration(_ letters: StaticString) -> [UInt8] {
        [0x05, 0x04] + letters.withUTF8Buffer { Array($0) }
    }
}
