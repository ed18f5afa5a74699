import MediaCore

/// Why the media of a publish ends it.
enum MediaTagError: Error, Hashable, CustomStringConvertible {
    /// The tag is in a codec that is not taken.
    case unsupportedCodec(MediaCodecName)
    /// Timestamps ran so far from zero that sums of them could overflow (``MediaTime/limit``).
    case clockOutOfRange(milliseconds: Int64)

    var description: String {
        switch self {
        case .unsupportedCodec(let codec):
            "\(codec) is not accepted: send H.264, HEVC, AV1 or VP9 video and AAC, MP3, Opus, FLAC, AC-3 or E-AC-3 audio"
        case .clockOutOfRange(let milliseconds): "timestamps add up to \(milliseconds) ms, allowed are 34 years"
        }
    }
}

/// The name of a codec as a streamer knows it, with the number or FourCC that was on the wire.
struct MediaCodecName: Hashable, CustomStringConvertible {
    let description: String

    /// The CodecID of a legacy video tag (FLV 10.1 §E.4.3.1).
    init(videoCodecID: UInt8) {
        let names: [UInt8: String] = [
            2: "Sorenson H.263", 3: "Screen video", 4: "On2 VP6", 5: "On2 VP6 with alpha", 6: "Screen video 2",
        ]
        description = "\(names[videoCodecID] ?? "an unknown") video (codec id \(videoCodecID))"
    }

    /// The SoundFormat of a legacy audio tag (FLV 10.1 §E.4.2.1).
    init(soundFormat: UInt8) {
        let names: [UInt8: String] = [
            0: "PCM", 1: "ADPCM", 3: "PCM", 4: "Nellymoser", 5: "Nellymoser", 6: "Nellymoser",
            7: "G.711 A-law", 8: "G.711 mu-law", 11: "Speex",
        ]
        description = "\(names[soundFormat] ?? "an unknown") audio (sound format \(soundFormat))"
    }

    /// The FourCC of an Enhanced RTMP tag (Enhanced RTMP v2, "Enhanced Video" and "Enhanced Audio").
    init(fourCC: UInt32, kind: MediaKind) {
        let characters = (0..<4).map { index in
            let byte = UInt8(truncatingIfNeeded: fourCC >> (24 - 8 * UInt32(index)))
            return (0x20..<0x7F).contains(byte) ? Character(UnicodeScalar(byte)) : "?"
        }
        description = "Enhanced RTMP \(kind.rawValue) '\(String(characters))'"
    }
}
