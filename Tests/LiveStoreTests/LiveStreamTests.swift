import LiveStore
import MediaCore
import NIOCore
import Synchronization
import TestSupport
import Testing

@Suite("Live stream")
struct LiveStreamTests {
    private let store = LiveStore()
    private let start = WallClockTime(milliseconds: 0)
    private let now = ContinuousClock.now

    private func begin(_ name: String = "main", tag: String = "a") -> (stream: LiveStream, isResumed: Bool) {
        store.begin(streamID(name), tag: tag, now: start)
    }

    @Test("nothing can be fetched before the first segment, everything listed after it")
    func firstSegment() {
        let (stream, isResumed) = begin()
        #expect(!isResumed && stream.snapshot.phase == .preparing)
        #expect(stream.resource(named: "a-0.m4s") == nil && stream.snapshot.mediaPlaylist == nil)
        stream.add(segment(0))
        #expect(stream.snapshot.phase == .live)
        #expect(stream.resource(named: "a-0.m4s")?.held?.body == ByteBuffer(string: "a-0.m4s"))
        #expect(stream.resource(named: "a-init-0.mp4")?.held?.kind == .initializationSegment)
    }

    @Test("segments and initialization segments that left the playlist stay fetchable for a while")
    func retired() {
        let (stream, _) = begin()
        let old = stored("a-init-7.mp4", .initializationSegment)
        stream.add(segment(0, initialization: old))
        for number in 1..<6 { stream.add(segment(number)) }
        #expect(stream.snapshot.window.mediaSequence == 1)
        #expect(stream.resource(named: "a-0.m4s") != nil && stream.resource(named: "a-init-7.mp4") != nil)
        for number in 6..<40 { stream.add(segment(number)) }
        #expect(stream.resource(named: "a-0.m4s") == nil && stream.resource(named: "a-init-7.mp4") == nil)
    }

    @Test("an interrupted live is resumed as itself, with its segments and its numbers")
    func resumed() {
        let (stream, _) = begin()
        stream.add(segment(0))
        stream.interrupt(at: now)
        #expect(stream.snapshot.phase == .interrupted(at: now))
        let (again, isResumed) = begin(tag: "b")
        #expect(isResumed && again === stream && again.tag == "a")
        #expect(again.snapshot.phase == .live && again.snapshot.window.nextMediaSequenceNumber == 1)
    }

    @Test("an end that was prepared before the publisher came back does not happen")
    func lateEnd() {
        let (stream, _) = begin()
        stream.add(segment(0))
        stream.interrupt(at: now)
        let prepared = stream.revisedSnapshot
        #expect(begin().isResumed)
        #expect(!stream.end(with: stored("end", .mediaPlaylist), at: now, ifRevision: prepared.revision))
        #expect(stream.snapshot.phase == .live && stream.snapshot.mediaPlaylist?.full.name == "media-0")
    }

    @Test("an end that was prepared before another segment came does not happen")
    func endAgainstSegment() {
        let (stream, _) = begin()
        stream.add(segment(0))
        let prepared = stream.revisedSnapshot
        stream.add(segment(1))
        #expect(!stream.end(with: stored("end", .mediaPlaylist), at: now, ifRevision: prepared.revision))
        #expect(stream.snapshot.mediaPlaylist?.full.name == "media-1")
    }

    @Test("an ended live shows its last playlist, keeps its segments and is not resumed")
    func ended() {
        let (stream, _) = begin()
        stream.add(segment(0))
        let end = stored("end", .mediaPlaylist)
        #expect(stream.end(with: end, at: now, ifRevision: stream.revisedSnapshot.revision))
        #expect(stream.endedAt == now && stream.snapshot.mediaPlaylist?.full === end)
        #expect(stream.resource(named: "a-0.m4s") != nil)
        let (next, isResumed) = begin(tag: "b")
        #expect(!isResumed && next !== stream)
    }

    @Test("of a resume and an end at the same moment exactly one wins, every time")
    func resumeAgainstEnd() async {
        for round in 0..<300 {
            let (stream, _) = store.begin(streamID("race-\(round)"), tag: "a", now: start)
            stream.add(segment(0))
            stream.interrupt(at: now)
            let prepared = stream.revisedSnapshot.revision
            let end: @Sendable () -> Bool = { [now] in
                stream.end(with: stored("end", .mediaPlaylist), at: now, ifRevision: prepared)
            }
            let resume: @Sendable () -> Bool = { [store, start] in
                store.begin(streamID("race-\(round)"), tag: "b", now: start).isResumed
            }
            let outcomes = await overlapping([end, resume])
            let (didEnd, didResume) = (outcomes[0], outcomes[1])
            #expect(didEnd != didResume)
            #expect(stream.snapshot.phase == (didEnd ? .ended(at: now) : .live))
        }
    }

    @Test("readers beside a writer always see a playlist and the segments that it lists")
    func readersBesideWriter() async {
        let (stream, _) = begin()
        stream.add(segment(0))
        let progress = Progress()
        let reader: @Sendable () -> Void = {
            var newest = 0
            while progress.isWriting.load(ordering: .acquiring) {
                let snapshot = stream.snapshot
                let last = snapshot.window.nextMediaSequenceNumber - 1
                #expect(last >= newest, "numbers step back")
                #expect(snapshot.mediaPlaylist?.full.name == "media-\(last)")
                #expect(snapshot.window.last?.resource.name == "a-\(last).m4s")
                #expect(snapshot.window.count == min(last + 1, 5))
                if last > newest { progress.versionsSeen.add(1, ordering: .relaxed) }
                newest = last
            }
        }
        let writer: @Sendable () -> Void = {
            // So many segments, and on until the readers have seen many versions while they were written.
            var number = 1
            while number < 2000 || (progress.versionsSeen.load(ordering: .relaxed) < 200 && number < 200_000) {
                stream.add(segment(number))
                number += 1
            }
            progress.isWriting.store(false, ordering: .releasing)
        }
        _ = await overlapping([writer, reader, reader])
        let versionsSeen = progress.versionsSeen.load(ordering: .relaxed)
        #expect(versionsSeen >= 200, "the readers and the writer did not overlap")
    }

    /// What the writer and its readers know of each other.
    private final class Progress: Sendable {
        let isWriting = Atomic(true)
        let versionsSeen = Atomic(0)
    }
}
