internal import LiveStore
internal import MediaCore
internal import NIOCore
internal import Recordings

/// Makes a clip's playlists of those of its recording: what these say of the clip's segments, with the clip's own names.
///
/// Pure.
struct PlaylistExcerpt {
    private static let date: StaticString = "#EXT-X-PROGRAM-DATE-TIME:"

    let rendition: Rendition.ID
    /// The segments, by their numbers in the recording.
    let segments: Range<Int>
    /// The same in the clip.
    let locations: [SegmentLocation]
    /// Where players begin, counted from the beginning of the first segment.
    let start: MediaTime

    /// A media playlist or an I-frame playlist.
    ///
    /// - Parameter playlist: that of the recording.
    /// - Returns: that of the clip.
    func playlist(_ playlist: ByteBuffer) -> ByteBuffer {
        var text = ByteBufferAllocator().buffer(capacity: 512 + locations.count * 128)
        var (number, map, now) = (0, UInt32?.none, WallClockTime?.none)
        var (block, isInHeader) = (Block(), true)
        for line in playlist.readableBytesView.split(separator: UInt8(ascii: "\n")) {
            switch Line(line) {
            case .ofPlaylist where isInHeader: text.write(line: line)
            case .ofPlaylist, .map: break
            case .ofSegment(let date, let duration):
                if isInHeader, start > .zero {
                    text.writeString("#EXT-X-START:TIME-OFFSET=\(start.decimalSeconds),PRECISE=YES\n")
                }
                isInHeader = false
                block.add(line, date, duration)
            case .uri:
                now = block.date ?? now
                if segments.contains(number), locations.indices.contains(number - segments.lowerBound) {
                    let location = locations[number - segments.lowerBound]
                    let isFirst = number == segments.lowerBound
                    if !isFirst, block.isDiscontinuous { text.writeStaticString("#EXT-X-DISCONTINUITY\n") }
                    if map != location.initialization { text.write(map: location.initialization, of: rendition) }
                    map = location.initialization
                    if isFirst, block.date == nil, let now { text.writeString("\(Self.date)\(now)\n") }
                    for line in block.lines { text.write(line: line) }
                    let name = RecordingFolder.segment(of: rendition, number: number - segments.lowerBound)
                    text.writeString("\(name)\n")
                }
                now = now.map { $0 + block.duration }
                (block, number) = (Block(), number + 1)
            }
        }
        text.writeStaticString("#EXT-X-ENDLIST\n")
        return text
    }

    /// A multivariant playlist, which is that of the recording without what clips do not have: subtitles.
    static func multivariant(_ playlist: ByteBuffer) -> ByteBuffer {
        var text = ByteBufferAllocator().buffer(capacity: playlist.readableBytes)
        for line in playlist.readableBytesView.split(separator: UInt8(ascii: "\n")) {
            let words = String(decoding: line, as: UTF8.self)
            if words.hasPrefix("#EXT-X-MEDIA:"), words.contains("TYPE=SUBTITLES") { continue }
            guard words.hasPrefix("#EXT-X-STREAM-INF:"), let start = words.firstRange(of: ",SUBTITLES=\"") else {
                text.write(line: line)
                continue
            }
            let rest = words[start.upperBound...]
            let end = rest.firstIndex(of: "\"").map { rest.index(after: $0) } ?? rest.endIndex
            text.writeString(words[..<start.lowerBound] + rest[end...] + "\n")
        }
        return text
    }

    // MARK: - Lines

    private typealias Bytes = ByteBufferView.SubSequence

    /// The lines in front of a segment's name.
    private struct Block {
        var lines: [Bytes] = []
        var date: WallClockTime?
        var duration = MediaTime.zero
        var isDiscontinuous = false

        mutating func add(_ line: Bytes, _ date: WallClockTime?, _ duration: MediaTime?) {
            self.date = date ?? self.date
            self.duration = duration ?? self.duration
            if line.elementsEqual("#EXT-X-DISCONTINUITY".utf8) { isDiscontinuous = true } else { lines.append(line) }
        }
    }

    private enum Line {
        case ofPlaylist
        case map
        case ofSegment(date: WallClockTime?, duration: MediaTime?)
        case uri

        init(_ line: Bytes) {
            func has(_ tag: String) -> Bool { line.starts(with: tag.utf8) }
            if line.first != UInt8(ascii: "#") {
                self = .uri
            } else if has("#EXT-X-PROGRAM-DATE-TIME:") {
                self = .ofSegment(
                    date: WallClockTime(String(decoding: line.dropFirst(25), as: UTF8.self)),
                    duration: nil
                )
            } else if has("#EXTINF:") {
                let text = String(decoding: line.dropFirst(8).prefix { $0 != UInt8(ascii: ",") }, as: UTF8.self)
                self = .ofSegment(date: nil, duration: Double(text).map { .seconds(min(max(0, $0), 1e6)) })
            } else if has("#EXT-X-MAP:") || has("#EXT-X-START:") || has("#EXT-X-ENDLIST") {
                self = .map
            } else if line.elementsEqual("#EXT-X-DISCONTINUITY".utf8) || Self.segmentTags.contains(where: has) {
                self = .ofSegment(date: nil, duration: nil)
            } else {
                self = .ofPlaylist
            }
        }

        /// The tags of RFC 8216bis §4.4.4 that a recording may have, besides those above.
        private static let segmentTags = [
            "#EXT-X-BYTERANGE:", "#EXT-X-GAP", "#EXT-X-BITRATE:", "#EXT-X-DATERANGE:",
        ]
    }
}

extension ByteBuffer {
    fileprivate mutating func write(line: ByteBufferView.SubSequence) {
        writeBytes(line)
        writeStaticString("\n")
    }

    fileprivate mutating func write(map number: UInt32, of rendition: Rendition.ID) {
        writeString("#EXT-X-MAP:URI=\"\(RecordingFolder.initialization(of: rendition, number: number))\"\n")
    }
}
