import LiveStore

/// A resource of a recording, by its name under `/vod/ID/`.
///
/// Only names of these shapes are ever looked for, so nothing else of a recording's folder can be had: neither its facts, its
/// journal and its indexes nor whole files of media.
enum RecordedResource: Hashable, Sendable {
    /// `index.m3u8`, `m0.m3u8`, `m0-iframes.m3u8`.
    case playlist(String)
    /// `m0-init-3.mp4`.
    case initialization(Rendition.ID, UInt32)
    /// `m0-12.m4s`: the thirteenth segment.
    case segment(Rendition.ID, Int)
    /// `download.mp4`: all of it as one file.
    case download
    /// `storyboard.vtt` and subtitles.
    case text(String)
    /// `poster.jpg` and other pictures.
    case picture(String)

    /// Longer names are none of ours.
    private static let longestStem = 48

    /// What a name stands for; `nil` when it can be none.
    init?(_ name: String) {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, Self.isStem(parts[0]) else { return nil }
        switch parts[1] {
        case "mp4" where parts[0] == "download": self = .download
        case "m3u8": self = .playlist(name)
        case "vtt": self = .text(name)
        case "jpg": self = .picture(name)
        case "mp4", "m4s": self.init(media: parts[0], isInitialization: parts[1] == "mp4")
        default: return nil
        }
    }

    private init?(media stem: Substring, isInitialization: Bool) {
        let fields = stem.split(separator: "-", omittingEmptySubsequences: false)
        guard fields.count == (isInitialization ? 3 : 2), let rendition = Rendition.ID(fields[0]),
            let number = UInt32(fields[fields.count - 1]), "\(number)" == fields[fields.count - 1]
        else { return nil }
        guard isInitialization else {
            self = .segment(rendition, Int(number))
            return
        }
        guard fields[1] == "init" else { return nil }
        self = .initialization(rendition, number)
    }

    /// Small letters and digits, with `-` between them.
    private static func isStem(_ stem: Substring) -> Bool {
        let hyphen = UInt8(ascii: "-")
        return (1...longestStem).contains(stem.utf8.count) && stem.utf8.first != hyphen && stem.utf8.last != hyphen
            && stem.utf8.allSatisfy { byte in
                byte == hyphen || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            }
    }
}
