import LiveStore
import MediaCore
import Testing

@Suite("Live store")
struct LiveStoreTests {
    private let store = LiveStore()
    private let start = WallClockTime(milliseconds: 0)
    private let now = ContinuousClock.now
    private let main = streamID("main")

    private func begin(_ tag: String) -> LiveStream { store.begin(main, tag: tag, now: start).stream }

    private func end(_ stream: LiveStream, at moment: ContinuousClock.Instant) {
        let revision = stream.revisedSnapshot.revision
        #expect(stream.end(with: stored("end", .mediaPlaylist), at: moment, ifRevision: revision))
    }

    @Test("a new live goes on with the numbers of the one before it")
    func numbersGoOn() {
        let first = begin("a")
        for number in 0..<7 { first.add(segment(number, isDiscontinuous: number == 0 || number == 6)) }
        #expect(first.snapshot.window.discontinuitySequence == 1)
        end(first, at: now)
        let window = begin("b").snapshot.window
        #expect(window.nextMediaSequenceNumber == 7 && window.mediaSequence == 7)
        // One that had left the playlist, one that was still listed, and the step to the new live's own timeline.
        #expect(window.discontinuitySequence == 3)
    }

    @Test("the segments of the live before stay fetchable while the new one runs")
    func previousStays() {
        let first = begin("a")
        first.add(segment(0, prefix: "a-"))
        end(first, at: now)
        let second = begin("b")
        second.add(segment(1, prefix: "b-"))
        #expect(store.stream(main) === second)
        #expect(store.resource(of: main, named: "a-0.m4s") != nil)
        #expect(store.resource(of: main, named: "b-1.m4s") != nil)
        #expect(store.resource(of: streamID("other"), named: "a-0.m4s") == nil)
    }

    @Test("a live that never became playable gives way to the one before it")
    func discarded() {
        let first = begin("a")
        first.add(segment(0))
        end(first, at: now)
        let second = begin("b")
        store.discard(second)
        #expect(store.stream(main) === first)
        store.discard(second)
        #expect(store.stream(main) === first)
        let third = begin("c")
        #expect(third.snapshot.window.nextMediaSequenceNumber == 1)
        let other = store.begin(streamID("other"), tag: "a", now: start).stream
        store.discard(other)
        #expect(store.stream(streamID("other")) == nil)
    }

    @Test("lives that ended long ago are forgotten, running ones and young ones are not")
    func forgotten() {
        let first = begin("a")
        first.add(segment(0, prefix: "a-"))
        end(first, at: now)
        let second = begin("b")
        second.add(segment(1, prefix: "b-"))
        let young = store.begin(streamID("young"), tag: "a", now: start).stream
        young.add(segment(0))
        end(young, at: now + .seconds(60))

        store.removeStreams(endedBefore: now)
        #expect(store.resource(of: main, named: "a-0.m4s") != nil, "not before its moment")
        store.removeStreams(endedBefore: now + .seconds(30))
        #expect(store.resource(of: main, named: "a-0.m4s") == nil)
        #expect(store.stream(main) === second)
        #expect(store.stream(streamID("young")) === young)
        store.removeStreams(endedBefore: now + .seconds(61))
        #expect(store.stream(streamID("young")) == nil && store.streams.count == 1)
    }

    @Test("a full store forgets the live that ended first and never one that runs")
    func full() {
        let running = begin("a")
        running.add(segment(0))
        for number in 1..<LiveStore.maximumStreams {
            let stream = store.begin(streamID("ended-\(number)"), tag: "a", now: start).stream
            end(stream, at: now + .seconds(number == 500 ? -1 : number))
        }
        #expect(store.streams.count == LiveStore.maximumStreams)
        _ = store.begin(streamID("one-more"), tag: "a", now: start)
        #expect(store.streams.count == LiveStore.maximumStreams)
        #expect(store.stream(streamID("ended-500")) == nil)
        #expect(store.stream(main) === running)
        #expect(store.stream(streamID("ended-1")) != nil)
    }

    @Test("writers of many names do not disturb each other")
    func manyWriters() async {
        await withTaskGroup(of: Void.self) { group in
            for writer in 0..<8 {
                group.addTask { [store, start, now] in
                    let id = streamID("stream-\(writer)")
                    for round in 0..<50 {
                        let (stream, isResumed) = store.begin(id, tag: "\(round)", now: start)
                        #expect(!isResumed)
                        #expect(stream.snapshot.window.nextMediaSequenceNumber == round * 2)
                        stream.add(segment(round * 2, prefix: "\(round)-"))
                        stream.add(segment(round * 2 + 1, prefix: "\(round)-"))
                        #expect(store.resource(of: id, named: "\(round)-\(round * 2).m4s") != nil)
                        let revision = stream.revisedSnapshot.revision
                        #expect(stream.end(with: stored("end", .mediaPlaylist), at: now, ifRevision: revision))
                    }
                }
            }
        }
        #expect(store.streams.count == 8)
    }
}
