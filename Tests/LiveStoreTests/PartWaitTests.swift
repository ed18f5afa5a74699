import LiveStore
import MediaCore
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

/// What readers of parts see, and how they wait for the next one.
@Suite("Parts in the store")
struct PartWaitTests {
    private let store = LiveStore()
    private let loop = EmbeddedEventLoop()
    private let stream: LiveStream

    init() {
        stream = store.begin(streamID("main"), tag: "a", now: WallClockTime(milliseconds: 0)).stream
        // Segment 0 has two parts, segment 1 begins.
        add(part: 0, of: 0)
        add(part: 1, of: 0)
        stream.finish(0)
    }

    private func add(part index: Int, of number: Int) { stream.add(part: index, of: number) }

    private func reach(_ number: Int, _ part: Int?) -> LiveStream.Snapshot.Reach {
        stream.snapshot.reach(of: number, part: part)
    }

    @Test("what is there, what is to be expected and what is not (RFC 8216bis §6.2.5.2)")
    func reaches() {
        #expect(reach(0, nil) == .there && reach(0, 0) == .there && reach(0, 1) == .there)
        // Behind the last part of a segment stands the first one of the next.
        #expect(reach(0, 2) == .ahead && reach(0, 7) == .ahead && reach(0, 8) == .beyond)
        #expect(reach(1, nil) == .ahead && reach(1, 0) == .ahead)
        // The Advance Part Limit at half a second is six.
        #expect(reach(1, 5) == .ahead && reach(1, 6) == .beyond)
        #expect(reach(2, nil) == .ahead && reach(2, 0) == .ahead)
        #expect(reach(3, nil) == .beyond && reach(.max, nil) == .beyond && reach(.max, .max) == .beyond)
        add(part: 0, of: 1)
        #expect(reach(1, 0) == .there && reach(0, 2) == .there && reach(1, 1) == .ahead && reach(1, nil) == .ahead)
        #expect(reach(1, 6) == .ahead && reach(1, 7) == .beyond)
    }

    @Test("an ended live has nothing to wait for")
    func ended() {
        let revision = stream.revisedSnapshot.revision
        #expect(stream.end(with: stored("end", .mediaPlaylist), at: .now, ifRevision: revision))
        #expect(reach(9, 9) == .there)
        let name = ResourceName(.part(1, index: 0), of: nil)
        #expect(!stream.snapshot.hints(at: name))
        #expect(stream.wait(for: .segment(9, part: nil), on: loop, {}) == nil)
    }

    @Test("the hint is for the next part, and for no other")
    func hint() {
        func isHint(_ number: Int, _ index: Int) -> Bool {
            stream.snapshot.hints(at: ResourceName(.part(number, index: index), of: nil))
        }
        #expect(isHint(1, 0) && !isHint(1, 1) && !isHint(0, 2) && !isHint(2, 0))
        add(part: 0, of: 1)
        #expect(isHint(1, 1) && !isHint(1, 0))
        #expect(!stream.snapshot.hints(at: ResourceName(.part(1, index: 1), of: Rendition.ID(.video))))
        #expect(!stream.snapshot.hints(at: ResourceName(.segment(1), of: nil)))
        #expect(stream.resource(named: "a-1.0.m4s")?.held?.body == ByteBuffer(string: "a-1.0.m4s"))
        #expect(stream.resource(named: "a-1.1.m4s") == nil && stream.resource(named: "a-1.m4s") == nil)
    }

    @Test("readers are woken once, by what they wait for, on their loop")
    func woken() {
        let woken = Mutex<[String]>([])
        func wait(_ name: String, _ awaited: LiveStream.Awaited) -> UInt64? {
            stream.wait(for: awaited, on: loop) { woken.withLock { $0.append(name) } }
        }
        #expect(wait("there", .segment(0, part: 1)) == nil)
        #expect(wait("part", .segment(1, part: 0)) != nil)
        #expect(wait("hint", .resource(ResourceName(.part(1, index: 0), of: nil))) != nil)
        #expect(wait("next", .segment(1, part: 1)) != nil)
        let cancelled = wait("cancelled", .segment(1, part: 0))
        #expect(stream.waitingReaders == 4)
        if let cancelled { stream.cancel(cancelled) }
        add(part: 0, of: 1)
        #expect(woken.withLock { $0.isEmpty }, "not before its loop runs")
        loop.run()
        #expect(woken.withLock { $0.sorted() } == ["hint", "part"])
        #expect(stream.waitingReaders == 1)
        add(part: 1, of: 1)
        loop.run()
        #expect(woken.withLock { $0.count } == 3 && stream.waitingReaders == 0)
    }

    @Test("the end of a live wakes all who wait")
    func wokenByEnd() {
        let count = Mutex(0)
        for part in 0..<5 {
            #expect(stream.wait(for: .segment(1, part: part), on: loop) { count.withLock { $0 += 1 } } != nil)
        }
        stream.end(with: stored("end", .mediaPlaylist), at: .now, ifRevision: stream.revisedSnapshot.revision)
        loop.run()
        #expect(count.withLock { $0 } == 5 && stream.waitingReaders == 0)
    }

    @Test("parts can be fetched for a while after their segment is whole, segments for longer")
    func partsAreForgotten() {
        for number in 1..<8 {
            add(part: 0, of: number)
            add(part: 1, of: number)
            stream.finish(number)
        }
        #expect(stream.resource(named: "a-7.1.m4s") != nil && stream.resource(named: "a-6.0.m4s") != nil)
        #expect(stream.resource(named: "a-3.0.m4s") == nil && stream.resource(named: "a-3.m4s") != nil)
        #expect(stream.resource(named: "a-3.m4s")?.held?.byteCount == 18)
    }
}

extension LiveStream {
    /// Adds a part of one second whose bytes are its name.
    func add(part index: Int, of number: Int) {
        var next = snapshot
        if index == 0 {
            next.window.begin(
                UnfinishedSegment(
                    mediaSequenceNumber: number,
                    programDateTime: WallClockTime(milliseconds: Int64(number) * 2000),
                    isIndependent: true,
                    isDiscontinuous: false,
                    initialization: next.window.last?.initialization
                        ?? stored("a-init-0.mp4", .initializationSegment)
                )
            )
        }
        let resource = stored("a-\(number).\(index).m4s")
        next.window.append(
            PartialSegment(duration: .seconds(1), isIndependent: index == 0, resource: resource),
            dateRanges: []
        )
        next.phase = .live
        next.targetDuration = 2
        next.partTarget = .milliseconds(500)
        publish(next)
    }

    /// Ends the segment that has parts.
    func finish(_ number: Int) {
        var next = snapshot
        guard let unfinished = next.window.unfinished else { return }
        next.window.append(
            MediaSegment(
                mediaSequenceNumber: number,
                duration: unfinished.duration,
                programDateTime: unfinished.programDateTime,
                isIndependent: true,
                isDiscontinuous: false,
                initialization: unfinished.initialization,
                resource: StoredResource(
                    kind: .mediaSegment,
                    name: "a-\(number).m4s",
                    pieces: unfinished.parts.flatMap(\.resource.pieces),
                    entityTag: "a-\(number)"
                ),
                parts: unfinished.parts
            ),
            limits: LiveWindow.Limits(duration: .seconds(30), minimumSegments: 3, partRetention: .seconds(4))
        )
        next.mediaPlaylist = RenderedPlaylist(full: stored("media-\(number)", .mediaPlaylist))
        publish(next)
    }
}
