internal import Foundation
internal import MediaCore

/// What EXT-X-STREAM-INF says about a variant stream, or one of its parts (RFC 8216 §4.3.4.2).
struct Variant: Codable, Equatable {
    /// CODECS, video first.
    var codecs: [String]
    /// RESOLUTION; `nil` without video.
    var resolution: Resolution?
    /// FRAME-RATE; `nil` without video.
    var frameRate: Double?
    /// The language of its first track, if that is known.
    var language: String?
    /// What people call its first track, if anything.
    var name: String?
    /// The closed captions in its pictures, for journals: a live's playlist has those of the whole publish.
    var captions: [String]?

    struct Resolution: Codable, Equatable {
        var width: Int
        var height: Int
    }

    /// What a segment tells.
    ///
    /// - Parameters:
    ///   - tracks: its tracks, video first.
    ///   - pictureCount: how many pictures it has.
    ///   - duration: its length.
    init(_ tracks: [Track], pictureCount: Int, lasting duration: MediaTime) {
        codecs = tracks.map(\.configuration.codecString)
        (language, name) = (tracks.first?.labels.language, tracks.first?.labels.name)
        for track in tracks {
            guard let picture = track.configuration.picture else { continue }
            // As it is shown (RFC 8216bis §4.4.6.2).
            let isUpright = track.labels.rotation == .none || track.labels.rotation == .half
            resolution =
                isUpright
                ? Resolution(width: picture.width, height: picture.height)
                : Resolution(width: picture.height, height: picture.width)
            frameRate = Self.frameRate(
                measured: Double(pictureCount) / duration.seconds,
                nominal: picture.nominalFrameRate
            )
        }
    }

    /// What it says of the sound alone; `nil` when pictures are all there is.
    var sound: Variant? {
        var sound = self
        if resolution != nil { sound.codecs.removeFirst() }
        guard !sound.codecs.isEmpty else { return nil }
        (sound.resolution, sound.frameRate) = (nil, nil)
        return sound
    }

    /// The rates that encoders are set to.
    private static let usualFrameRates = [
        24_000 / 1001.0, 24, 25, 30_000 / 1001.0, 30, 48, 50, 60_000 / 1001.0, 60, 100, 120_000 / 1001.0, 120,
    ]

    /// A whole number of pictures in a segment measured to a millisecond is close to the truth; what the bitstream or
    /// custom says is taken for the truth where it is as close as that, and not otherwise: streams of variable frame
    /// rate state their maximum there.
    static func frameRate(measured: Double, nominal: Double?) -> Double {
        if let nominal, abs(nominal - measured) < 0.02 * measured { return nominal }
        let nearest = usualFrameRates.min { abs($0 - measured) < abs($1 - measured) }
        guard let nearest, abs(nearest - measured) < 0.0075 * measured else { return measured }
        return nearest
    }
}

extension Variant {
    /// Reads what ``text`` wrote; `nil` for anything else.
    init?(_ text: String) {
        guard let variant = try? JSONDecoder().decode(Variant.self, from: Data(text.utf8)) else { return nil }
        self = variant
    }

    /// The closed captions in its pictures.
    var captionChannels: [ClosedCaptions.Channel] {
        (captions ?? []).compactMap { ClosedCaptions.Channel(rawValue: $0) }
    }

    /// The variant as JSON text, for journals.
    var text: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        // Strings and finite numbers: encoding them cannot fail.
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
