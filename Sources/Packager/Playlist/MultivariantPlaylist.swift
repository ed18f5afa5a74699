internal import LiveStore
internal import MediaCore
internal import NIOCore

/// Renders a live's multivariant playlist (RFC 8216 §4.3.4, where it is called Master Playlist).
enum MultivariantPlaylist {
    /// The playlist's name.
    static let name = "index.m3u8"
    /// The GROUP-ID of the audio renditions.
    private static let audioGroup = "audio"
    /// The GROUP-ID of the closed captions.
    private static let captionGroup = "captions"

    /// A rendition as the playlist lists it.
    struct Entry {
        /// What its newest segment carries.
        var variant: Variant
        /// The largest bit rate measured, in bits a second.
        var peak: Double
        /// The bit rate of what is listed, in bits a second.
        var average: Double
        /// Whether decoding can start at every listed segment.
        var isIndependent: Bool
        /// The name of its media playlist.
        var uri: String
        /// Its track's number, by which viewers know an audio rendition.
        var index: UInt8 = 0
    }

    /// The playlist of some variant streams.
    ///
    /// - Parameters:
    ///   - variants: the variant streams, the one to begin with first.
    ///   - sounds: the audio renditions that go with each of them, the default one first; none when the sound is in the
    ///     variants' own media.
    ///   - iFrames: the I-frame playlists.
    ///   - captions: the closed captions in the pictures. Without any, nothing is said of them: NONE would be a promise.
    ///   - isIndependent: whether decoding can start at every segment of each.
    /// - Returns: the playlist's text.
    static func render(
        _ variants: [Entry],
        sounds: [Entry],
        iFrames: [Entry] = [],
        captions: [ClosedCaptions.Channel] = [],
        isIndependent: Bool
    ) -> ByteBuffer {
        var text = ByteBuffer(string: "#EXTM3U\n#EXT-X-VERSION:\(MediaPlaylist.version)\n")
        if isIndependent { text.writeString("#EXT-X-INDEPENDENT-SEGMENTS\n") }
        for (sound, name) in zip(sounds, names(of: sounds)) {
            // §4.3.4.1: AUTOSELECT may be absent, but must not be NO beside DEFAULT=YES. Encoders tell no languages.
            let language = sound.variant.language.map { ["LANGUAGE=\"\(LanguageTag.text($0))\""] } ?? []
            let attributes =
                ["TYPE=AUDIO", "GROUP-ID=\"\(audioGroup)\"", "NAME=\"\(name)\""] + language + [
                    "DEFAULT=\(sound.index == 0 ? "YES" : "NO")", "AUTOSELECT=YES", "URI=\"\(sound.uri)\"",
                ]
            text.writeString("#EXT-X-MEDIA:\(attributes.joined(separator: ","))\n")
        }
        for (index, channel) in captions.enumerated() {
            let attributes = [
                "TYPE=CLOSED-CAPTIONS", "GROUP-ID=\"\(captionGroup)\"", "NAME=\"Captions \(index + 1)\"",
                "DEFAULT=\(index == 0 ? "YES" : "NO")", "AUTOSELECT=YES", "INSTREAM-ID=\"\(channel.rawValue)\"",
            ]
            text.writeString("#EXT-X-MEDIA:\(attributes.joined(separator: ","))\n")
        }
        for variant in variants {
            var attributes = attributes(variant, with: sounds)
            if !captions.isEmpty, variant.variant.resolution != nil {
                attributes.append("CLOSED-CAPTIONS=\"\(captionGroup)\"")
            }
            text.writeString("#EXT-X-STREAM-INF:\(attributes.joined(separator: ","))\n")
            text.writeString("\(variant.uri)\n")
        }
        for entry in iFrames {
            let list = (attributes(entry, with: []) + ["URI=\"\(entry.uri)\""]).joined(separator: ",")
            text.writeString("#EXT-X-I-FRAME-STREAM-INF:\(list)\n")
        }
        return text
    }

    /// A name for each audio rendition, different from all others of the group (§4.3.4.1.1).
    private static func names(of sounds: [Entry]) -> [String] {
        var taken: Set<String> = []
        return sounds.map { sound in
            let number = Int(sound.index) + 1
            let name = sound.variant.name ?? sound.variant.language.map(LanguageTag.name) ?? "Audio \(number)"
            let unique = taken.contains(name) ? "\(name) (\(number))" : name
            taken.insert(unique)
            return unique
        }
    }

    /// The attributes of EXT-X-STREAM-INF (§4.3.4.2), counting in the most that any audio rendition adds.
    private static func attributes(_ entry: Entry, with sounds: [Entry]) -> [String] {
        // A variant that is an audio rendition itself has its sound counted already.
        let added = sounds.filter { _ in !sounds.contains { $0.uri == entry.uri } }
        let peak = entry.peak + (added.map(\.peak).max() ?? 0)
        let average = entry.average + (added.map(\.average).max() ?? 0)
        var codecs = entry.variant.codecs
        for codec in sounds.flatMap(\.variant.codecs) where !codecs.contains(codec) { codecs.append(codec) }
        var attributes = [
            "BANDWIDTH=\(Int(peak.rounded(.up)))",
            "AVERAGE-BANDWIDTH=\(Int(average.rounded(.up)))",
            "CODECS=\"\(codecs.joined(separator: ","))\"",
        ]
        if let resolution = entry.variant.resolution {
            attributes.append("RESOLUTION=\(resolution.width)x\(resolution.height)")
        }
        if let frameRate = entry.variant.frameRate {
            attributes.append("FRAME-RATE=\(Decimal.text(Int64((frameRate * 1000).rounded()), places: 3))")
        }
        if !sounds.isEmpty { attributes.append("AUDIO=\"\(audioGroup)\"") }
        return attributes
    }

    /// The playlist as readers fetch it.
    static func resource(
        _ variants: [Entry],
        sounds: [Entry],
        iFrames: [Entry] = [],
        captions: [ClosedCaptions.Channel],
        isIndependent: Bool,
        entityTag: String
    ) -> StoredResource {
        StoredResource(
            kind: .multivariantPlaylist,
            name: name,
            body: render(
                variants,
                sounds: sounds,
                iFrames: iFrames,
                captions: captions,
                isIndependent: isIndependent
            ),
            entityTag: entityTag
        )
    }
}

extension MultivariantPlaylist.Entry {
    /// What a writer has measured of a rendition; `nil` before its first segment.
    init?(_ writer: RenditionWriter, _ window: LiveWindow) {
        guard let variant = writer.variant else { return nil }
        self.init(
            variant: variant,
            peak: writer.peak,
            average: writer.average,
            isIndependent: window.isIndependent,
            uri: writer.playlistName,
            index: writer.id?.index ?? 0
        )
    }
}
