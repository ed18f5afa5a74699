import LiveStore
import Logging
import MediaCore
import NIOCore
import Testing

@testable import Recordings
@testable import Storage

// swift-format-ignore: NeverForceUnwrap
@Suite("Journal of a recording")
struct JournalTests {
    static let id = RecordingID { Array(repeating: 7, count: $0) }
    static let video = Rendition.ID(.muxed)

    static let entries: [JournalEntry] = [
        .opening(
            .init(
                id: id,
                stream: StreamID("main")!,
                tag: "t1",
                startedAt: WallClockTime(milliseconds: 1_700_000_000_000),
                targetDuration: 2,
                partTarget: .milliseconds(500),
                isEvent: true,
                mediaSequenceNumber: 5,
                discontinuitySequence: 1,
                source: .live
            )
        ),
        .initialization(.init(rendition: video, number: 5, name: "t1-init-5.mp4", body: ByteBuffer(string: "moov"))),
        .segment(
            .init(
                rendition: video,
                mediaSequenceNumber: 5,
                programDateTime: WallClockTime(milliseconds: -1),
                initialization: 5,
                isIndependent: true,
                isDiscontinuous: false,
                statesMap: true
            )
        ),
        .part(part(offset: 0, segmentDuration: .zero)),
        .part(part(offset: 100, segmentDuration: .milliseconds(1000))),
        .variant(video, "{\"codecs\":[\"avc1\"]}"),
        .resumption(.server, at: WallClockTime(milliseconds: 9)),
        .end(at: WallClockTime(milliseconds: 10)),
    ]

    static func part(offset: UInt64, segmentDuration: MediaTime, file: UInt32 = 1) -> JournalEntry.Part {
        JournalEntry.Part(
            rendition: video,
            file: file,
            offset: offset,
            length: 100,
            keyframeLength: 30,
            duration: .milliseconds(500),
            segmentDuration: segmentDuration,
            isIndependent: offset == 0,
            dateRanges: [
                DateRange(id: "a", name: "onCue \"x\"", start: WallClockTime(milliseconds: 3), json: nil),
                DateRange(id: "b", name: "onCue", start: WallClockTime(milliseconds: 3), json: "{}"),
            ]
        )
    }

    static func bytes(_ entries: some Sequence<JournalEntry>) -> ByteBuffer {
        entries.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1.bytes) }
    }

    @Test("every kind of entry is read as it was written", arguments: entries)
    func roundTrip(entry: JournalEntry) {
        var bytes = entry.bytes
        #expect(JournalEntry.read(from: &bytes) == entry)
        #expect(bytes.readableBytes == 0)
    }

    @Test("a journal that ends anywhere says what its whole entries say")
    func truncation() throws {
        let whole = Self.bytes(Self.entries)
        let ends = Self.entries.indices.map { Self.bytes(Self.entries[...$0]).readableBytes }
        for length in 0...whole.readableBytes {
            let contents = JournalContents(try #require(whole.getSlice(at: 0, length: length)))
            let count = ends.count { $0 <= length }
            #expect(contents?.byteCount ?? 0 == (count == 0 ? 0 : ends[count - 1]))
            let parts = contents?.renditions[Self.video]?.segments.first?.parts.count
            #expect(parts == (count < 4 ? nil : min(count - 3, 2)))
        }
    }

    @Test("a changed byte ends a journal in front of its entry, and nothing traps")
    func damage() throws {
        let whole = Self.bytes(Self.entries)
        let ends = [0] + Self.entries.indices.map { Self.bytes(Self.entries[...$0]).readableBytes }
        for index in 0..<whole.readableBytes {
            var damaged = whole
            damaged.setInteger(try #require(whole.getInteger(at: index, as: UInt8.self)) ^ 0x41, at: index)
            let contents = JournalContents(damaged)
            #expect(contents?.byteCount ?? 0 == ends.last { $0 <= index })
        }
    }

    @Test("a segment with a lost part is lost, and one that was not finished lasts as long as its parts")
    func segments() throws {
        var entries = Array(Self.entries[0...3])
        entries.append(.part(Self.part(offset: 0, segmentDuration: .milliseconds(1001), file: 0)))
        entries += [Self.entries[2], Self.entries[3]]
        let contents = try #require(JournalContents(Self.bytes(entries)))
        let segments = try #require(contents.renditions[Self.video]?.segments)
        #expect(segments.map(\.isLost) == [true, false])
        #expect(segments.map(\.isComplete) == [true, false])
        #expect(segments.map(\.duration) == [.milliseconds(1001), .milliseconds(500)])
        #expect(contents.resumptions.isEmpty && contents.endedAt == nil)
    }
}
