import Foundation
import TestSupport
import Testing

/// A real ffmpeg publishes; a viewer that trusts nothing reads everything that is served.
@Suite("Publishing with ffmpeg", .serialized)
struct PublishingTests {
    @Test("H.264 and AAC come out as segments of whole groups of pictures, and a clean end ends the playlist")
    func videoAndAudio() async throws {
        let server = try await ServerProcess.start()
        let publisher = try FFmpegPublisher(.test(seconds: 9), to: server.publishURL(key: try await server.streamKey()))
        let viewer = LiveViewer(server)
        try await viewer.watchToEnd()
        #expect(try await publisher.waitForExit() == .status(0))

        let variant = try #require(await viewer.multivariant?.variants.first)
        #expect(variant.codecs.count == 2)
        #expect(variant.codecs.contains { $0.hasPrefix("avc1.") } && variant.codecs.contains("mp4a.40.2"))
        #expect(variant.resolution == MultivariantPlaylist.Resolution(width: 320, height: 180))
        #expect(abs((variant.frameRate ?? 0) - 25) < 0.1)
        let playlist = try #require(await viewer.playlist)
        #expect(playlist.targetDuration == 2)
        #expect(await viewer.multivariant?.hasIndependentSegments == true)
        #expect(abs(playlist.duration - 9) < 0.5)
        #expect(playlist.segments.allSatisfy { $0.programDateTime != nil })

        let segments = await viewer.segments
        #expect(segments.count == 5)
        for segment in segments {
            let video = try #require(segment.initialization.track(handler: "vide"))
            let first = try #require(segment.media.samples(of: video.trackID).first)
            #expect(first.isSync)
            #expect(try ISOBMFFReader.nalUnitTypes(of: first, in: segment.bytes, lengthSize: 4).contains(5))
            // Sound and picture of a segment cover the same time, within two audio frames and one picture.
            let picture = try #require(segment.span(handler: "vide"))
            let sound = try #require(segment.span(handler: "soun"))
            #expect(abs(picture.lowerBound - sound.lowerBound) < 0.1)
            #expect(abs(picture.upperBound - sound.upperBound) < 0.1)
        }
    }

    @Test("sound alone lists no picture, and a picture alone no sound", arguments: ["soun", "vide"])
    func oneTrack(_ handler: String) async throws {
        let server = try await ServerProcess.start()
        let media = FFmpegPublisher.Media.test(seconds: 7, video: handler == "vide", audio: handler == "soun")
        let publisher = try FFmpegPublisher(media, to: server.publishURL(key: try await server.streamKey()))
        let viewer = LiveViewer(server)
        try await viewer.watchToEnd()
        try await publisher.waitForExit()

        let variant = try #require(await viewer.multivariant?.variants.first)
        #expect(variant.codecs.count == 1)
        #expect(variant.codecs.first?.hasPrefix(handler == "vide" ? "avc1." : "mp4a.") == true)
        #expect((variant.resolution != nil) == (handler == "vide"))
        #expect((variant.frameRate != nil) == (handler == "vide"))
        let segments = await viewer.segments
        #expect(segments.count >= 3)
        #expect(segments.allSatisfy { $0.initialization.tracks.map(\.handlerType) == [handler] })
    }

    @Test("a stream that starts without a key frame begins to play at its first one")
    func withoutFirstKeyFrame() async throws {
        let folder = try TemporaryFolder()
        try await Tool.ffmpeg(
            FFmpegPublisher.Media.test(seconds: 8).arguments.filter { $0 != "-re" } + [folder.file("a.mp4")]
        )
        let server = try await ServerProcess.start()
        // The first 10 of 200 pictures are missing, among them the first of the four IDR pictures.
        let media = FFmpegPublisher.Media([
            "-re", "-i", folder.file("a.mp4"), "-c", "copy", "-bsf:v", "noise=drop=lt(n\\,10)",
        ])
        let publisher = try FFmpegPublisher(media, to: server.publishURL(key: try await server.streamKey()))
        let viewer = LiveViewer(server)
        try await viewer.watchToEnd()
        try await publisher.waitForExit()

        let first = try #require(await viewer.segments.first)
        let video = try #require(first.initialization.track(handler: "vide"))
        let samples = first.media.samples(of: video.trackID)
        #expect(samples.first?.isSync == true)
        let pictures = await viewer.segments.flatMap { $0.media.samples(of: video.trackID) }
        #expect(pictures.count == 150, "from the second IDR picture on")
    }

    @Test("groups of 250 pictures, OBS's default, play with a target duration that fits them")
    func longGroups() async throws {
        let server = try await ServerProcess.start()
        let media = FFmpegPublisher.Media.test(seconds: 27, frameRate: 30, keyframeInterval: 250)
        let publisher = try FFmpegPublisher(media, to: server.publishURL(key: try await server.streamKey()))
        let viewer = LiveViewer(server)
        try await viewer.watchToEnd(within: .seconds(90))
        try await publisher.waitForExit()

        let playlist = try #require(await viewer.playlist)
        #expect((8...9).contains(playlist.targetDuration))
        #expect(abs(playlist.duration - 27) < 0.5)
        for segment in playlist.segments.dropLast() { #expect(abs(segment.duration - 250.0 / 30) < 0.1) }
    }

    @Test("a line of text that ffmpeg sends is in the playlist, at its time of day")
    func textData() async throws {
        let server = try await ServerProcess.start()
        let folder = try TemporaryFolder()
        try folder.write("lines.srt", "1\n00:00:01,000 --> 00:00:02,000\nGood \"evening\" é\n\n")
        let media = FFmpegPublisher.Media([
            "-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=6", "-i", folder.file("lines.srt"),
            "-map", "0:v", "-map", "1:s", "-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-pix_fmt", "yuv420p",
            "-c:s", "text",
        ])
        let publisher = try FFmpegPublisher(media, to: server.publishURL(key: try await server.streamKey()))
        let viewer = LiveViewer(server)
        try await viewer.watchToEnd()
        #expect(try await publisher.waitForExit() == .status(0))
        let segments = try #require(await viewer.playlist).segments
        let range = try #require(segments.first?.dateRanges.first)
        #expect(segments.flatMap(\.dateRanges).count == 1)
        #expect(try range.quoted("CLASS") == "onTextData")
        let text = try #require(try range.quoted("X-LYCEUM-JSON")?.removingPercentEncoding)
        #expect(try JSONValue(parsing: text.utf8)["text"]?.string == "Good \"evening\" é")
        let start = try #require(try range.quoted("START-DATE"))
        let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        let moment = try Date(start, strategy: format).timeIntervalSince1970 * 1000
        let began = Double(try #require(segments[0].programDateTime).milliseconds)
        #expect(abs(moment - began - 1000) < 2)
    }
}
