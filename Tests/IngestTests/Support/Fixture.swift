import Foundation
import NIOCore

@testable import Ingest

/// The byte streams in fixtures/rtmp.
enum Fixture: String, CaseIterable {
    case ffmpeg = "ffmpeg"
    case gstreamer = "gstreamer-rtmp2sink"
    case librtmp = "librtmp-rtmpsink"
    case obs = "obs"
    case av1Opus = "ffmpeg9-av1-opus"
    case h264AC3 = "ffmpeg9-h264-ac3"
    case h264EAC3 = "ffmpeg9-h264-eac3"
    case h264FLAC = "ffmpeg9-h264-flac"
    case h264MP3 = "ffmpeg9-h264-mp3"
    case hevcAAC = "ffmpeg9-hevc-aac"
    case twoAudio = "ffmpeg9-two-audio"
    case twoVideo = "ffmpeg9-two-video"
    case vp9Opus = "ffmpeg9-vp9-opus"

    func bytes() throws -> [UInt8] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        return Array(try Data(contentsOf: root.appending(path: "fixtures/rtmp/\(rawValue).rtmp")))
    }

    /// The messages behind the handshake, by the decoders alone.
    func messages(_ feed: Feed) throws -> [RTMPMessage] {
        var handshake = RTMPHandshake { [UInt8](repeating: 0, count: $0) }
        var decoder = RTMPChunkDecoder(limits: .init(messageLength: 1 << 20, partialBytes: 1 << 20, chunkStreams: 8))
        var isOpen = false
        var messages: [RTMPMessage] = []
        for var piece in feed.pieces(of: try bytes()) {
            while !isOpen {
                let action = try handshake.receive(&piece)
                if action == .wait { break }
                isOpen = action == .complete
            }
            guard isOpen else { continue }
            while let message = try decoder.nextMessage(from: &piece) { messages.append(message) }
        }
        return messages
    }
}
