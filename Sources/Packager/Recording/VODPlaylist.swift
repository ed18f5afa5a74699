internal import LiveStore
internal import MediaCore
internal import NIOCore
internal import Recordings

/// Renders the playlists of a complete recording (RFC 8216bis §4.4.3): what is in them stays as it is.
struct VODPlaylist {
    /// EXT-X-GAP needs version 8 (§8).
    static let version = 8

    /// A segment with what its playlist says about it.
    struct Segment {
        /// Where it lies, and how long it is.
        var location: SegmentLocation
        /// When it was captured, where that does not follow from the segment in front.
        var programDateTime: WallClockTime?
        /// What the encoder said during it.
        var dateRanges: [DateRange] = []
    }

    /// The rendition.
    let rendition: Rendition.ID
    /// Its segments.
    let segments: [Segment]
    /// Where players begin, counted from the beginning of the first segment; zero for there.
    var start = MediaTime.zero

    /// The media playlist.
    func media() -> ByteBuffer {
        render(segments, isIFramesOnly: false) { segment, number, text in
            text.writeString("\(RecordingFolder.segment(of: rendition, number: number))\n")
            _ = segment
        }
    }

    /// The I-frame playlist (§4.4.3.6): the first picture of each segment, to be shown until that of the next.
    ///
    /// - Returns: `nil` when there are no pictures.
    func iFrames() -> ByteBuffer? {
        guard segments.contains(where: { $0.location.keyframeLength > 0 }) else { return nil }
        return render(segments, isIFramesOnly: true) { segment, number, text in
            text.writeString("#EXT-X-BYTERANGE:\(max(1, segment.location.keyframeLength))@0\n")
            text.writeString("\(RecordingFolder.segment(of: rendition, number: number))\n")
        }
    }

    /// The index of its segments.
    func index() -> ByteBuffer {
        var bytes = ByteBufferAllocator().buffer(capacity: segments.count * SegmentIndex.recordSize)
        for segment in segments { SegmentIndex.write(segment.location, to: &bytes) }
        return bytes
    }

    /// EXT-X-TARGETDURATION: no EXTINF, rounded, is longer (§4.4.3.1).
    private var targetDuration: Int {
        segments.reduce(1) { max($0, Int($1.location.duration.seconds.rounded())) }
    }

    private func render(
        _ segments: [Segment],
        isIFramesOnly: Bool,
        uri: (Segment, Int, inout ByteBuffer) -> Void
    ) -> ByteBuffer {
        var text = ByteBufferAllocator().buffer(capacity: 256 + segments.count * 40)
        text.writeString(
            """
            #EXTM3U
            #EXT-X-VERSION:\(Self.version)
            #EXT-X-TARGETDURATION:\(targetDuration)
            #EXT-X-PLAYLIST-TYPE:VOD
            #EXT-X-MEDIA-SEQUENCE:0

            """
        )
        if isIFramesOnly { text.writeStaticString("#EXT-X-I-FRAMES-ONLY\n") }
        if start > .zero { text.writeString("#EXT-X-START:TIME-OFFSET=\(start.decimalSeconds),PRECISE=YES\n") }
        var map: UInt32?
        for (number, segment) in segments.enumerated() {
            let location = segment.location
            if location.isDiscontinuous, number > 0 { text.writeStaticString("#EXT-X-DISCONTINUITY\n") }
            if map != location.initialization {
                let name = RecordingFolder.initialization(of: rendition, number: location.initialization)
                text.writeString("#EXT-X-MAP:URI=\"\(name)\"\n")
                map = location.initialization
            }
            if let time = segment.programDateTime { text.writeString("#EXT-X-PROGRAM-DATE-TIME:\(time)\n") }
            if !isIFramesOnly { for range in segment.dateRanges { text.writeString(range.tag) } }
            let isMissing = location.isLost || (isIFramesOnly && location.keyframeLength == 0)
            if isMissing { text.writeStaticString("#EXT-X-GAP\n") }
            text.writeString("#EXTINF:\(location.duration.decimalSeconds),\n")
            uri(segment, number, &text)
        }
        text.writeStaticString("#EXT-X-ENDLIST\n")
        return text
    }
}
