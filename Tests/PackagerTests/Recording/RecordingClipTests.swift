import Glibc
import LiveStore
import MediaCore
import NIOCore
import Recordings
import Storage
import TestSupport
import Testing

@testable import Packager

/// Pieces of recordings, judged by ffprobe and ffmpeg.
@Suite("Recording clip")
struct RecordingClipTests {
    private let recordings: TestRecordings

    init() throws { recordings = try TestRecordings() }

    private func span(_ start: Double, _ end: Double) -> Range<MediaTime> { .seconds(start)..<MediaTime.seconds(end) }

    /// Ten seconds in five segments, in files of about one segment each.
    private func source(fileSize: Int = 100_000) async throws -> (Recording, WrittenRendition) {
        let media = try await EncodedMedia.h264(10)
        var rendition = WrittenRendition()
        rendition.fileSize = fileSize
        rendition.use(media.initialization)
        for index in media.segments.indices { rendition.append(try media.segment(index, parts: 2, movedBy: 3)) }
        return (try recordings.make(rendition), rendition)
    }

    private func clip(
        _ recording: Recording,
        _ span: Range<MediaTime>,
        title: String? = nil,
        links: MediaLinks = .hard
    ) throws -> Recording {
        try RecordingClip(of: ClipSource(recording, in: recordings.catalog), span, title: title)
            .make(in: recordings.catalog, now: 0, links: links)
    }

    private func text(_ recording: Recording, _ name: String) throws -> String {
        let file = try recording.file(named: name).whole
        return String(buffer: try file.read(0..<file.length))
    }

    /// Where players begin.
    private func start(_ recording: Recording) throws -> Double {
        let text = try text(recording, "m0.m3u8")
        let tag = try #require(text.firstRange(of: "TIME-OFFSET="))
        return try #require(Double(text[tag.upperBound...].prefix { $0 != "," }))
    }

    private func probe(_ recording: Recording) async throws -> ProbedFile {
        let bytes = try RecordingDownload.prepare(recording).bytes
        let name = "\(recording.id).mp4"
        try recordings.folder.write(name, Array(try bytes.read(0..<bytes.length).readableBytesView))
        return try await ProbedFile(recordings.folder.file(name))
    }

    /// The pictures that a file shows, in the order in which it does.
    private func shown(_ file: ProbedFile) -> [ProbedFile.Packet] {
        file.packets(of: 0).filter { !$0.isDiscarded && $0.presentationTime >= -0.000_1 }
            .sorted { $0.presentationTime < $1.presentationTime }
    }

    @Test("a clip shows its piece to the picture, shares its media, and stays when the recording is deleted")
    func exact() async throws {
        let (recording, _) = try await source()
        let whole = shown(try await probe(recording))
        let made = try clip(recording, span(3.4, 6.6), title: "A piece")
        let facts = made.facts
        #expect(facts.state == .ready && facts.source == .clip && facts.title == "A piece" && facts.stream == "main")
        #expect(facts.duration == 3_200_000_000 && facts.cut?.source == recording.id)
        #expect(facts.startedAt == recording.facts.startedAt + 3400)
        #expect(try made.locations(in: Rendition.ID(.muxed)).map(\.start) == [.zero, .seconds(2), .seconds(4)])

        let names = Set(Folder.names(in: made.folder))
        #expect(names.isSuperset(of: ["m0.index", "m0.m3u8", "m0-iframes.m3u8", "index.m3u8", "m0-init-0.mp4"]))
        #expect(names.contains("m0-1.media") && !names.contains("m0-9.media"))
        var status = stat()
        #expect(stat("\(made.folder)/m0-1.media", &status) == 0 && status.st_nlink == 2)

        recordings.catalog.delete(recording.id)
        let file = try await probe(made)
        #expect(file.complaints == "" && file.title == "A piece")
        #expect(abs(file.duration - 3.2) < 0.001)
        let pictures = shown(file)
        #expect(pictures.count == 80)
        // Pictures begin two pictures behind the sound, for they have B-frames.
        let beginning = try #require(whole.firstIndex { $0.presentationTime > 3.399 })
        #expect(pictures.map(\.hash) == whole[beginning..<beginning + 80].map(\.hash))
        #expect(abs(pictures[0].presentationTime - (whole[beginning].presentationTime - 3.4)) < 0.000_1)
    }

    @Test("a clip's playlists say of its segments what the recording's say, under its own names")
    func playlists() async throws {
        let (recording, rendition) = try await source()
        let segments = rendition.locations.enumerated().map { number, location in
            VODPlaylist.Segment(
                location: location,
                programDateTime: number == 0 ? WallClockTime("2026-01-31T23:59:57.000Z") : nil
            )
        }
        try recordings.write(
            VODPlaylist(rendition: rendition.id, segments: segments).media(),
            "\(recording.folder)/m0.m3u8"
        )
        let made = try clip(recording, span(3.4, 5))
        // ffmpeg begins a segment's sound where its pictures are shown, two pictures behind where they are decoded.
        let start = try self.start(made)
        #expect(abs(start - 1.46) < 0.022)
        #expect(
            try text(made, "m0.m3u8") == """
                #EXTM3U
                #EXT-X-VERSION:8
                #EXT-X-TARGETDURATION:2
                #EXT-X-PLAYLIST-TYPE:VOD
                #EXT-X-MEDIA-SEQUENCE:0
                #EXT-X-START:TIME-OFFSET=\(MediaTime.seconds(start).decimalSeconds),PRECISE=YES
                #EXT-X-MAP:URI="m0-init-0.mp4"
                #EXT-X-PROGRAM-DATE-TIME:2026-01-31T23:59:59.000Z
                #EXTINF:2.000000,
                m0-0.m4s
                #EXTINF:2.000000,
                m0-1.m4s
                #EXT-X-ENDLIST

                """
        )
        #expect(try text(made, "m0-iframes.m3u8").contains("#EXT-X-BYTERANGE:1@0\nm0-1.m4s\n"))
        // A clip of a clip.
        let inner = try clip(made, span(2.5, 3))
        #expect(try abs(self.start(inner) - 0.5) < 0.022)
        #expect(try text(inner, "m0.m3u8").contains("#EXT-X-PROGRAM-DATE-TIME:2026-02-01T00:00:01.000Z\n"))
        #expect(inner.facts.duration == 500_000_000)
    }

    @Test("where files can have no further name, media is copied: only that of the clip")
    func copied() async throws {
        let (recording, _) = try await source()
        let whole = shown(try await probe(recording))
        let (linked, copied) = (
            try clip(recording, span(3.4, 6.6)),
            try clip(recording, span(3.4, 6.6), links: MediaLinks(link: { _, _ in EXDEV }, fileSize: 70_000))
        )
        #expect(linked.facts.byteCount == copied.facts.byteCount && linked.facts.byteCount > 0)
        let sizes = try Folder.names(in: copied.folder).filter { $0.hasSuffix(".media") }
            .map { try copied.file(named: $0).byteCount }
        #expect(sizes.count > 1 && Int64(sizes.reduce(0, +)) == copied.facts.byteCount)
        let pictures = shown(try await probe(copied))
        #expect(pictures.count == 80 && whole.map(\.hash).contains(pictures[0].hash))
        #expect(pictures.map(\.hash) == shown(try await probe(linked)).map(\.hash))
    }

    @Test("what is not there makes no clip, and leaves nothing behind")
    func nothing() async throws {
        let (recording, _) = try await source()
        #expect(throws: ClipFailure.nothingThere(length: .seconds(10))) { try clip(recording, span(10, 12)) }
        #expect(throws: ClipFailure.self) { try clip(recording, span(1, 2), links: MediaLinks { _, _ in EIO }) }
        #expect(recordings.catalog.all.map(\.id) == [recording.id])
        #expect(Folder.names(in: recordings.catalog.directory) == [recording.id.text])
        let end = try clip(recording, span(9, 1000))
        #expect(end.facts.duration == 1_000_000_000)
    }

    @Test("a clip of a span that begins with what is lost begins behind it; gaps are its own")
    func gaps() async throws {
        let media = try await EncodedMedia.h264(10)
        var rendition = WrittenRendition()
        rendition.use(media.initialization)
        for index in media.segments.indices {
            if index == 1 { rendition.lose() } else { rendition.append(try media.segment(index)) }
        }
        let recording = try recordings.make(rendition)
        try recordings.catalog.update(recording.id) { facts in
            facts.gaps = [
                .init(cause: .disk, start: 2_000_000_000, duration: 2_000_000_000, missing: 2000),
                .init(cause: .encoder, start: 6_000_000_000, duration: 0, missing: 60_000),
            ]
        }
        let behind = try clip(recording, span(3, 7))
        #expect(behind.facts.duration == 3_000_000_000 && behind.facts.gaps.map(\.start) == [2_000_000_000])
        let around = try clip(recording, span(1, 5))
        #expect(around.facts.duration == 4_000_000_000)
        #expect(around.facts.gaps.map(\.start) == [1_000_000_000] && around.facts.gaps[0].missing == 2000)
        let late = try clip(recording, span(8, 9))
        #expect(late.facts.startedAt == recording.facts.startedAt + 68_000)
        #expect(try await probe(around).complaints == "")
    }
}
