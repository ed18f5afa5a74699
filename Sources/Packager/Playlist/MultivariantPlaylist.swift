internal import LiveStore
internal import NIOCore

/// Renders a live's multivariant playlist (RFC 8216 §4.3.4, where it is called Master Playlist).
enum MultivariantPlaylist {
    /// The playlist's name.
    static let name = "index.m3u8"

    /// The playlist of one variant stream.
    ///
    /// - Parameters:
    ///   - variant: what the newest segment carries.
    ///   - peak: BANDWIDTH in bits a second.
    ///   - average: AVERAGE-BANDWIDTH in bits a second.
    ///   - isIndependent: whether decoding can start at every listed segment.
    /// - Returns: the playlist's text.
    static func render(_ variant: Variant, peak: Double, average: Double, isIndependent: Bool) -> ByteBuffer {
        var attributes = [
            "BANDWIDTH=\(Int(peak.rounded(.up)))",
            "AVERAGE-BANDWIDTH=\(Int(average.rounded(.up)))",
            "CODECS=\"\(variant.codecs.joined(separator: ","))\"",
        ]
        if let resolution = variant.resolution {
            attributes.append("RESOLUTION=\(resolution.width)x\(resolution.height)")
        }
        if let frameRate = variant.frameRate {
            attributes.append("FRAME-RATE=\(Decimal.text(Int64((frameRate * 1000).rounded()), places: 3))")
        }
        let independence = isIndependent ? "#EXT-X-INDEPENDENT-SEGMENTS\n" : ""
        return ByteBuffer(
            string: """
                #EXTM3U
                #EXT-X-VERSION:\(MediaPlaylist.version)
                \(independence)#EXT-X-STREAM-INF:\(attributes.joined(separator: ","))
                \(MediaPlaylist.name)

                """
        )
    }

    /// The playlist as readers fetch it.
    static func resource(_ variant: Variant, peak: Double, window: LiveWindow, tag: String) -> StoredResource {
        StoredResource(
            kind: .multivariantPlaylist,
            name: name,
            body: render(
                variant,
                peak: peak,
                average: min(peak, BitRateMeter.average(of: window)),
                isIndependent: window.segments.allSatisfy(\.isIndependent)
            ),
            entityTag: "\(tag)-\(window.nextMediaSequenceNumber)"
        )
    }
}
