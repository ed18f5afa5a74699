import LiveStore
import MediaCore
import NIOCore
import Recordings
import Storage
import TestSupport
import Testing

@testable import Packager

/// Recordings as one file, judged by ffprobe and ffmpeg.
@Suite("Recording download")
struct RecordingDownloadTests {
    private let recordings: TestRecordings

    init() throws { recordings = try TestRecordings() }

    private func save(_ download: RecordingDownload, _ name: String = "download.mp4") throws -> String {
        try recordings.folder.write(name, Array(try download.bytes.read(0..<download.bytes.length).readableBytesView))
        return recordings.folder.file(name)
    }

    private func probe(_ rendition: WrittenRendition, _ name: String = "source.mp4") async throws -> ProbedFile {
        try recordings.folder.write(name, Array(rendition.fragmented.readableBytesView))
        return try await ProbedFile(recordings.folder.file(name))
    }

    /// Holds a download to the fragments that it was made of.
    private func compare(_ file: ProbedFile, with source: ProbedFile) throws {
        #expect(file.complaints == "")
        #expect(file.streams.map(\.codec) == source.streams.map(\.codec))
        let beginning = try #require(source.packets.map(\.presentationTime).min())
        for stream in source.streams.indices {
            let (packets, expected) = (file.packets(of: stream), source.packets(of: stream))
            #expect(packets.map(\.hash) == expected.map(\.hash))
            #expect(packets.count > 10)
            for (packet, original) in zip(packets, expected) {
                #expect(abs(packet.presentationTime - (original.presentationTime - beginning)) < 0.000_03)
            }
        }
    }

    @Test("pictures with B-frames and sound: the same samples, shown when they were, from 0 on")
    func h264() async throws {
        let media = try await EncodedMedia.h264()
        var rendition = WrittenRendition()
        rendition.fileSize = 100_000
        rendition.use(media.initialization)
        for index in media.segments.indices { rendition.append(try media.segment(index, parts: 3, movedBy: 7)) }
        let recording = try recordings.make(title: "Höhere Mathe \"1\"", rendition)
        #expect(try RecordingDownload.prepared(recording) == nil)
        var steps: [Double] = []
        let download = try RecordingDownload.prepare(recording, progress: { steps.append($0) })
        #expect(steps.last == 1 && steps == steps.sorted())
        let file = try await ProbedFile(save(download))
        try compare(file, with: try await probe(rendition))
        #expect(file.title == "Höhere Mathe \"1\"")
        // The sound's last frame ends behind the last picture.
        #expect(abs(file.duration - 6.08) < 0.04)
        #expect(try RecordingDownload.prepared(recording)?.entityTag == download.entityTag)
    }

    @Test("every codec keeps its samples and its times", arguments: ["hevc", "aac", "opus", "ac3", "no B-frames"])
    func codecs(_ codec: String) async throws {
        let media =
            switch codec {
            case "hevc": try await EncodedMedia.hevc()
            case "aac": try await EncodedMedia.soundAlone()
            case "opus": try await EncodedMedia.soundAlone(6, ["-c:a", "libopus", "-b:a", "64k"])
            case "ac3": try await EncodedMedia.soundAlone(6, ["-c:a", "ac3", "-b:a", "96k"])
            default: try await EncodedMedia.h264(bFrames: 0)
            }
        var rendition = WrittenRendition()
        rendition.use(media.initialization)
        for index in media.segments.indices { rendition.append(try media.segment(index)) }
        let file = try await ProbedFile(save(try .prepare(try recordings.make(rendition))))
        try compare(file, with: try await probe(rendition))
    }

    @Test("a configuration that changes is a further sample entry; another codec is a further track")
    func changes() async throws {
        let large = try await EncodedMedia.h264(4, bFrames: 0)
        let small = try await EncodedMedia.h264(4, size: "160x90", bFrames: 0)
        let other = try await EncodedMedia.hevc(4)
        var rendition = WrittenRendition()
        for (index, media) in [large, small, other, large].enumerated() {
            rendition.use(media.initialization)
            for segment in media.segments.indices {
                rendition.append(try media.segment(segment, movedBy: 5 * Int64(index)))
            }
        }
        let file = try await ProbedFile(save(try .prepare(try recordings.make(rendition))))
        #expect(file.complaints == "")
        #expect(file.streams.map(\.codec) == ["h264", "aac", "hevc"])
        let pictures = file.packets(of: 0)
        #expect(pictures.count == 300 && file.packets(of: 2).count == 100)
        // Where the other codec is, the last picture stands still.
        let times = pictures.map(\.presentationTime).sorted()
        #expect(abs(times[200] - 15) < 0.001 && abs(times[199] - 8.96) < 0.001)
        // Its B-frames are shown two pictures later than they could be.
        #expect(abs((file.packets(of: 2).map(\.presentationTime).min() ?? 0) - 10.08) < 0.001)
    }

    @Test("lost segments, and tracks that are missing for a while, leave the rest where it was")
    func gaps() async throws {
        let media = try await EncodedMedia.h264(10)
        var rendition = WrittenRendition()
        rendition.use(media.initialization)
        rendition.append(try media.segment(0))
        rendition.lose()
        rendition.append(try media.segment(2, tracks: [1]))
        rendition.append(try media.segment(3, tracks: [2]))
        rendition.append(try media.segment(4))
        let file = try await ProbedFile(save(try .prepare(try recordings.make(rendition))))
        try compare(file, with: try await probe(rendition))
        #expect(file.packets(of: 0).count == 150)
        #expect(abs(file.duration - 10.08) < 0.04)
    }

    @Test("sound that begins later begins later, and what begins in the middle of the recording as well")
    func lateSound() async throws {
        let media = try await EncodedMedia.h264(8)
        var rendition = WrittenRendition()
        rendition.use(media.initialization)
        rendition.append(try media.segment(0, tracks: [1]))
        for index in 1..<4 { rendition.append(try media.segment(index)) }
        let file = try await ProbedFile(save(try .prepare(try recordings.make(rendition))))
        try compare(file, with: try await probe(rendition))
        #expect(try #require(file.packets(of: 1).first).presentationTime > 1.8)
    }

    @Test("several renditions: each by itself, and without a wish the largest picture with every language")
    func renditions() async throws {
        let media = try await EncodedMedia.h264(6)
        let small = try await EncodedMedia.h264(6, size: "160x90", bFrames: 0)
        func written(_ id: String, _ media: EncodedMedia, _ tracks: Set<UInt32>) throws -> WrittenRendition {
            var rendition = WrittenRendition(try #require(Rendition.ID(id)))
            rendition.use(media.initialization)
            for index in media.segments.indices { rendition.append(try media.segment(index, tracks: tracks)) }
            return rendition
        }
        let recording = try recordings.make(
            try written("m0", small, [1, 2]),
            try written("v0", small, [1]),
            try written("v1", media, [1]),
            try written("a0", small, [2]),
            try written("a1", media, [2])
        )
        let best = try await ProbedFile(save(try .prepare(recording)))
        #expect(best.complaints == "")
        #expect(best.streams.map(\.codec) == ["h264", "aac", "aac"])
        #expect(
            best.packets(of: 0).map(\.hash)
                == (try await probe(try written("v1", media, [1]))).packets(of: 0).map(\.hash)
        )
        #expect(best.packets(of: 1).count == best.packets(of: 2).count)
        // Sound lies near its pictures.
        let alone = try await ProbedFile(save(try .prepare(recording, rendition: Rendition.ID(.video))))
        #expect(alone.streams.map(\.codec) == ["h264"])
        #expect(throws: DownloadFailure.noSuchRendition) {
            try RecordingDownload.prepare(recording, rendition: Rendition.ID(.video, index: 7))
        }
        let names = Set(Folder.names(in: recording.folder).filter { $0.hasPrefix("download") })
        #expect(names == ["download-all.moov", "download-v0.moov"])
    }

    @Test("a cut shows what it says, to the picture, with the sound that belongs to it")
    func cut() async throws {
        let media = try await EncodedMedia.h264(8)
        var rendition = WrittenRendition()
        rendition.use(media.initialization)
        for index in media.segments.indices { rendition.append(try media.segment(index, parts: 2)) }
        let recording = try recordings.make(rendition)
        try recordings.catalog.update(recording.id) { facts in
            facts.cut = RecordingFacts.Cut(start: 1_240_000_000, duration: 3_200_000_000, source: facts.id)
        }
        let file = try await ProbedFile(save(try .prepare(recording)))
        #expect(file.complaints == "")
        #expect(abs(file.duration - 3.2) < 0.001)
        let source = try await probe(rendition)
        let shown = file.packets(of: 0).filter { !$0.isDiscarded && $0.presentationTime >= 0 }
            .sorted { $0.presentationTime < $1.presentationTime }
        #expect(shown.count == 80)
        // ffmpeg's muxer begins pictures with B-frames two pictures late.
        let originals = source.packets(of: 0).sorted { $0.presentationTime < $1.presentationTime }
        #expect(shown.map(\.hash) == originals[31..<111].map(\.hash))
    }

    @Test("rotation and language are those of the recording")
    func labels() async throws {
        let media = try await EncodedMedia.h264(4)
        var bytes = Array(media.initialization.readableBytesView)
        let header = try #require(bytes.indices.first { bytes[$0...].starts(with: "tkhd".utf8) })
        // Behind version and flags, times, track_ID, duration and the rest: a quarter turn.
        let matrix: [UInt32] = [0, 0x1_0000, 0, 0xFFFF_0000, 0, 0, 0, 0, 0x4000_0000]
        bytes.replaceSubrange(
            header + 44..<header + 80,
            with: matrix.flatMap { [UInt8($0 >> 24), UInt8($0 >> 16 & 255), UInt8($0 >> 8 & 255), UInt8($0 & 255)] }
        )
        let sound = try #require(bytes.indices.last { bytes[$0...].starts(with: "mdhd".utf8) })
        bytes.replaceSubrange(sound + 24..<sound + 26, with: [0x10, 0xB5])  // deu
        var rendition = WrittenRendition()
        rendition.use(ByteBuffer(bytes: bytes))
        rendition.append(try media.segment(0))
        let path = try save(try .prepare(try recordings.make(rendition)))
        #expect(try await ProbedFile(path).streams.map(\.language) == ["und", "deu"])
        let side = try await Tool.check(
            "ffprobe",
            ["-v", "error", "-show_entries", "stream_side_data=rotation", "-of", "csv=p=0", path]
        )
        #expect(side.text.contains("-90") || side.text.contains("90"))
    }

    @Test("a download of more than 4 GiB has its offsets in 64 bits")
    func large() async throws {
        let media = try await EncodedMedia.h264(6)
        var rendition = WrittenRendition()
        rendition.use(media.initialization)
        let segments = try media.segments.indices.map { try media.segment($0) }
        // Behind each segment's fragments a box of 2 GiB that nobody reads, and that takes no space on the disk.
        let padding = 2 << 30
        var file = SparseFile()
        for segment in segments {
            var bytes = segment
            bytes.writeInteger(UInt32(padding))
            bytes.writeString("free")
            rendition.append(placedAt: file.length, length: segment.readableBytes + padding)
            file.write(bytes, at: file.length)
            file.length += padding - 8
        }
        let recording = try recordings.make(rendition)
        try file.write(to: "\(recording.folder)/m0-1.media")
        let download = try RecordingDownload.prepare(recording)
        #expect(download.bytes.length > 3 * padding)

        let beginning = download.bytes.length - segments.reduce(0) { $0 + $1.readableBytes + padding }
        var copy = SparseFile()
        copy.write(try download.bytes.read(0..<beginning), at: 0)
        var position = beginning
        for segment in segments {
            let bytes = try download.bytes.read(position..<position + segment.readableBytes)
            #expect(bytes == segment)
            copy.write(bytes, at: position)
            position += segment.readableBytes + padding
        }
        copy.length = download.bytes.length
        try copy.write(to: recordings.folder.file("download.mp4"))
        let probed = try await ProbedFile(recordings.folder.file("download.mp4"))
        #expect(probed.complaints == "")
        #expect(probed.packets(of: 0).count == 150 && abs(probed.duration - 6.08) < 0.04)
    }

    @Test("a segment that is not what the recording says makes no download, and says which")
    func damaged() async throws {
        let media = try await EncodedMedia.h264(4)
        let changes: [(inout ByteBuffer) -> Void] = [
            { $0.setInteger(UInt32(7), at: 0) }, { $0.setInteger(UInt32.max, at: 0) },
            { $0.moveWriterIndex(to: $0.writerIndex - 1000) }, { $0 = ByteBuffer(repeating: 0, count: 5000) },
        ]
        for change in changes {
            var rendition = WrittenRendition()
            rendition.use(media.initialization)
            rendition.append(try media.segment(0))
            var bytes = try media.segment(1)
            change(&bytes)
            rendition.append(bytes)
            let recording = try recordings.make(rendition)
            let error = #expect(throws: DownloadFailure.self) { try RecordingDownload.prepare(recording) }
            #expect(error?.description.hasPrefix("the segment at 2.0 s of m0 cannot be read") == true)
            #expect(
                !Folder.names(in: recording.folder).contains { $0.hasPrefix("download") || $0.hasPrefix("scratch") }
            )
        }
    }

    @Test("what is still being made, cancelled, or empty makes no download; another title makes another one")
    func states() async throws {
        let media = try await EncodedMedia.h264(4)
        var rendition = WrittenRendition()
        rendition.use(media.initialization)
        for index in media.segments.indices { rendition.append(try media.segment(index)) }
        let recording = try recordings.make(rendition)
        #expect(throws: DownloadFailure.cancelled) {
            try RecordingDownload.prepare(recording, isCancelled: { true })
        }
        let first = try RecordingDownload.prepare(recording)
        try recordings.catalog.update(recording.id) { $0.title = "Another" }
        #expect(try RecordingDownload.prepared(recording) == nil)
        #expect(try RecordingDownload.prepare(recording).entityTag != first.entityTag)
        // A file that is not whole is none.
        let name = "\(recording.folder)/download-m0.moov"
        try await Tool.check("truncate", ["-s", "-1", name])
        #expect(try RecordingDownload.prepared(recording) == nil)
        try await Tool.check("truncate", ["-s", "3", name])
        #expect(try RecordingDownload.prepared(recording) == nil)
        try recordings.catalog.update(recording.id) { $0.state = .recording }
        #expect(throws: DownloadFailure.unfinished) { try RecordingDownload.prepare(recording) }
        var lost = WrittenRendition()
        lost.use(media.initialization)
        lost.lose()
        let nothing = try recordings.make(lost)
        #expect(throws: DownloadFailure.empty) { try RecordingDownload.prepare(nothing) }
        #expect(throws: DownloadFailure.empty) { try RecordingDownload.prepare(try recordings.make()) }
    }
}

/// Which renditions a download is made of.
@Suite("Download choice")
struct DownloadChoiceTests {
    private func choice(_ candidates: [(String, Int, Int)], wanted: String? = nil) throws -> String? {
        let candidates = try candidates.map { id, segments, size in
            DownloadChoice.Candidate(id: try #require(Rendition.ID(id)), segmentCount: segments, pictureSize: size)
        }
        let choice = DownloadChoice(among: candidates, wanted: wanted.flatMap { Rendition.ID($0) })
        return choice.map { $0.renditions.map(\.description).joined(separator: "+") }
    }

    @Test("without a wish it is the primary tracks, or the largest picture with all sounds")
    func best() throws {
        #expect(try choice([]) == nil)
        #expect(try choice([("m0", 10, 100), ("m1", 10, 400)]) == "m0")
        #expect(try choice([("m0", 10, 100), ("m1", 10, 400)], wanted: "m1") == "m1")
        #expect(try choice([("m0", 10, 100)], wanted: "m1") == nil)
        let several = [("m0", 20, 100), ("v0", 20, 100), ("v1", 20, 400), ("a0", 20, 0), ("a1", 20, 0)]
        #expect(try choice(several) == "v1+a0+a1")
        #expect(try choice([("m0", 20, 0), ("a0", 20, 0), ("a1", 20, 0)]) == "a0+a1")
        #expect(try choice([("v0", 20, 100)]) == "v0")
    }

    @Test("what began late or failed for a while is no better than the primary tracks")
    func incomplete() throws {
        #expect(
            try choice([("m0", 100, 100), ("v0", 100, 100), ("v1", 60, 400), ("a0", 99, 0), ("a1", 9, 0)]) == "v0+a0+a1"
        )
        #expect(try choice([("m0", 100, 100), ("v0", 30, 100), ("a0", 30, 0), ("a1", 30, 0)]) == "m0")
    }
}
