import LiveStore
import NIOCore

/// Makes the media playlist of another form from the stored one, line by line and without knowing what came before: a piece
/// of a playlist becomes the same wherever it stands.
enum PlaylistForm {
    /// Some lines of a playlist in another form.
    static func rewrite(_ text: PlaylistText, as form: MediaForm) -> ByteBuffer {
        guard form != .stored else { return text.bytes }
        let isOutlook = if case .outlook = text.role { true } else { false }
        var output = ByteBufferAllocator().buffer(capacity: text.bytes.readableBytes + 64)
        for line in text.bytes.readableBytesView.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true) {
            switch form {
            case .stored: break
            case .transportStream: writeForTransportStream(line, isOutlook: isOutlook, to: &output)
            case .sound: writeForSound(line, to: &output)
            }
        }
        return output
    }

    // MARK: - MPEG-TS

    private typealias Line = ByteBufferView.SubSequence

    /// Whole segments, which need no initialization segment: what tells of parts goes, and behind the last segment is nothing
    /// but the end.
    private static func writeForTransportStream(_ line: Line, isOutlook: Bool, to output: inout ByteBuffer) {
        guard line.first == UInt8(ascii: "#") else {
            output.writeBytes(line.dropLast(4))  // ".m4s"
            output.writeStaticString(".ts\n")
            return
        }
        if isOutlook, !line.elementsEqual("#EXT-X-ENDLIST".utf8) { return }
        if ["#EXT-X-MAP:", "#EXT-X-PART:", "#EXT-X-PART-INF:"].contains(where: { line.starts(with: $0.utf8) }) {
            return
        }
        if line.starts(with: "#EXT-X-SERVER-CONTROL:".utf8) {
            writeServerControl(line, to: &output)
        } else {
            output.writeBytes(line)
        }
        output.writeStaticString("\n")
    }

    /// PART-HOLD-BACK is for playlists with parts alone (RFC 8216bis §4.4.3.8).
    private static func writeServerControl(_ line: Line, to output: inout ByteBuffer) {
        let attributes = line.split(separator: UInt8(ascii: ",")).filter { !$0.starts(with: "PART-HOLD-BACK=".utf8) }
        for (index, attribute) in attributes.enumerated() {
            if index > 0 { output.writeStaticString(",") }
            output.writeBytes(attribute)
        }
    }

    // MARK: - Sound

    /// The same with other names.
    ///
    /// Every part of sound can be decoded by itself; and what is reported on is the playlist that this one is made of.
    private static func writeForSound(_ line: Line, to output: inout ByteBuffer) {
        if line.starts(with: "#EXT-X-RENDITION-REPORT:URI=\"sound.m3u8\"".utf8) {
            output.writeStaticString("#EXT-X-RENDITION-REPORT:URI=\"media.m3u8\"")
            output.writeBytes(line.dropFirst("#EXT-X-RENDITION-REPORT:URI=\"sound.m3u8\"".utf8.count))
        } else if line.first != UInt8(ascii: "#") {
            output.writeBytes(line.dropLast(4))
            output.writeStaticString(".sound")
            output.writeBytes(line.suffix(4))
        } else if ["#EXT-X-MAP:", "#EXT-X-PART:", "#EXT-X-PRELOAD-HINT:"].contains(where: { line.starts(with: $0.utf8) }
        ) {
            writeWithSoundURI(line, to: &output)
        } else {
            output.writeBytes(line)
        }
        output.writeStaticString("\n")
    }

    /// A tag whose URI is the last attribute, or has INDEPENDENT alone behind it.
    private static func writeWithSoundURI(_ line: Line, to output: inout ByteBuffer) {
        let independence = ",INDEPENDENT=YES"
        let tag =
            line.suffix(independence.utf8.count).elementsEqual(independence.utf8)
            ? line.dropLast(independence.utf8.count) : line
        output.writeBytes(tag.dropLast(5))
        output.writeStaticString(".sound")
        output.writeBytes(tag.suffix(5))  // ".m4s" and the quote
        if line.starts(with: "#EXT-X-PART:".utf8) { output.writeString(independence) }
    }
}
