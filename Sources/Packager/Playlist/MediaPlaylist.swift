internal import LiveStore
internal import MediaCore
internal import NIOCore

/// Renders the Media Playlist of a live's rendition (RFC 8216 §4.3.3).
enum MediaPlaylist {
    /// The name of the primary tracks' playlist, as the multivariant playlist refers to it.
    static let name = "media.m3u8"
    /// EXT-X-MAP in a playlist of whole segments needs version 6 (§7).
    static let version = 6

    /// The playlist of a window.
    ///
    /// - Parameters:
    ///   - window: the segments to list; at least one.
    ///   - targetDuration: EXT-X-TARGETDURATION in seconds, the same for the life of the live.
    ///   - isEnded: whether EXT-X-ENDLIST closes it.
    /// - Returns: the playlist's text.
    static func render(_ window: LiveWindow, targetDuration: Int, isEnded: Bool) -> ByteBuffer {
        var text = ByteBufferAllocator().buffer(capacity: 256 + window.segments.count * 128)
        text.writeString(
            """
            #EXTM3U
            #EXT-X-VERSION:\(version)
            #EXT-X-TARGETDURATION:\(targetDuration)
            #EXT-X-MEDIA-SEQUENCE:\(window.mediaSequence)
            #EXT-X-DISCONTINUITY-SEQUENCE:\(window.discontinuitySequence)

            """
        )
        if window.segments.allSatisfy(\.isIndependent) { text.writeString("#EXT-X-INDEPENDENT-SEGMENTS\n") }
        var map: String?
        for segment in window.segments {
            if segment.isDiscontinuous { text.writeString("#EXT-X-DISCONTINUITY\n") }
            if segment.initialization.name != map {
                map = segment.initialization.name
                text.writeString("#EXT-X-MAP:URI=\"\(segment.initialization.name)\"\n")
            }
            for range in segment.dateRanges { text.writeString(range.tag) }
            text.writeString(
                """
                #EXT-X-PROGRAM-DATE-TIME:\(segment.programDateTime)
                #EXTINF:\(segment.duration.decimalSeconds),
                \(segment.resource.name)

                """
            )
        }
        if isEnded { text.writeString("#EXT-X-ENDLIST\n") }
        return text
    }

    /// The playlist as readers fetch it.
    static func resource(
        _ window: LiveWindow,
        targetDuration: Int,
        isEnded: Bool,
        name: String,
        tag: String
    ) -> StoredResource {
        StoredResource(
            kind: .mediaPlaylist,
            name: name,
            body: render(window, targetDuration: targetDuration, isEnded: isEnded),
            entityTag: "\(tag)-\(window.nextMediaSequenceNumber)\(isEnded ? "-end" : "")"
        )
    }
}

extension MediaTime {
    /// The time in seconds with six decimals: sums of many stay within a picture of the media (EXTINF).
    var decimalSeconds: String { Decimal.text(ticks(timescale: 1_000_000), places: 6) }
}

/// Decimal numbers as playlists have them (RFC 8216 §4.2, decimal-floating-point), written without rounding twice.
enum Decimal {
    /// A number above or equal to zero, given in units of its last place: `text(29_970, places: 3)` is `29.970`.
    static func text(_ units: Int64, places: Int) -> String {
        let digits = String(units)
        let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
        return "\(padded.dropLast(places)).\(padded.suffix(places))"
    }
}
