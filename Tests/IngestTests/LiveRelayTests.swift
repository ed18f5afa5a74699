import MediaCore
import NIOCore
import Synchronization
import Testing

@testable import Ingest

@Suite("LiveRelay")
struct LiveRelayTests {
    private let relay = LiveRelay()
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    private func subscription(_ maximumBytes: Int = 1 << 20) -> RelaySubscription {
        let subscription = RelaySubscription(maximumBytes: maximumBytes) {}
        relay.add(subscription)
        return subscription
    }

    /// What waits, in a word for each: h0 is a header with the payload byte 0, k2 a message with 2.
    private func words(_ subscription: RelaySubscription) -> [String] {
        subscription.take(upTo: .max).map { event in
            switch event {
            case .message(let message): "\(message.payload.readableBytesView.last ?? 0)"
            case .interrupted: "interrupted"
            case .resumed: "resumed"
            case .ended: "ended"
            }
        }
    }

    private func message(_ byte: UInt8, type: UInt8 = 9, size: Int = 1) -> RTMPMessage {
        let payload = ByteBuffer(bytes: [UInt8](repeating: byte, count: size))
        return RTMPMessage(chunkStreamID: 4, timestamp: 0, typeID: type, messageStreamID: 1, payload: payload)
    }

    private func header(_ byte: UInt8, of track: TrackID = TrackID(.video)) throws {
        var outputs = FLVDemuxer.Outputs()
        let sound = try AudioSpecificConfig([0x11, 0x90])
        outputs.append(.configure(Track(id: track, configuration: .aac(sound))))
        relay.receive(message(byte, type: track.kind == .video ? 9 : 8), outputs, now: start)
    }

    private func picture(_ byte: UInt8, isKeyframe: Bool, at time: Int64 = 0, size: Int = 1) {
        relay.receive(message(byte, size: size), unit(TrackID(.video), isKeyframe, time), now: start)
    }

    private func unit(_ track: TrackID, _ isSync: Bool, _ time: Int64) -> FLVDemuxer.Outputs {
        var outputs = FLVDemuxer.Outputs()
        outputs.append(
            .unit(
                AccessUnit(
                    trackID: track,
                    decodeTime: .milliseconds(time),
                    compositionOffset: .zero,
                    isSync: isSync,
                    payload: ByteBuffer(),
                    sampleCount: nil
                )
            )
        )
        return outputs
    }

    @Test("a reader begins with the headers and a keyframe")
    func begins() throws {
        try header(1)
        try header(2, of: TrackID(.audio))
        picture(3, isKeyframe: true)
        let late = subscription()
        picture(4, isKeyframe: false)
        relay.receive(message(5, type: 8), unit(TrackID(.audio), true, 0), now: start)
        #expect(words(late).isEmpty)
        picture(6, isKeyframe: true)
        picture(7, isKeyframe: false)
        #expect(words(late) == ["1", "2", "6", "7"])
    }

    @Test("a changed header takes the place of the old one, and goes to those who read already")
    func headers() throws {
        try header(1)
        let early = subscription()
        picture(2, isKeyframe: true)
        try header(3)
        picture(4, isKeyframe: true)
        #expect(words(early) == ["1", "2", "3", "4"])
        let late = subscription()
        picture(5, isKeyframe: true)
        #expect(words(late) == ["3", "5"])
    }

    @Test("sound alone begins at once; a secondary track's keyframe is none to begin with")
    func soundAlone() throws {
        try header(1, of: TrackID(.audio))
        let reader = subscription()
        relay.receive(message(2, type: 8), unit(TrackID(.audio), true, 0), now: start)
        #expect(words(reader) == ["1", "2"])
        try header(3)
        let second = subscription()
        relay.receive(message(4), unit(TrackID(.video, index: 1), true, 0), now: start)
        #expect(words(second).isEmpty)
    }

    @Test("metadata goes without @setDataFrame, and to those who come later too")
    func metadata() throws {
        var body = ByteBuffer()
        body.writeAMF0([.string("@setDataFrame"), .string("onMetaData"), .object([])])
        let data = RTMPMessage(chunkStreamID: 4, timestamp: 7, typeID: 18, messageStreamID: 1, payload: body)
        relay.receive(metadata: data)
        try header(1)
        let reader = subscription()
        picture(2, isKeyframe: true)
        guard case .message(var first) = reader.take(upTo: .max).first else {
            Issue.record("nothing came")
            return
        }
        #expect(try AMF0Decoder.values(in: first.payload) == [.string("onMetaData"), .object([])])
        first.addSetDataFrame()
        #expect(first.payload == body)
    }

    @Test("who falls behind loses what waits, and goes on with headers and a keyframe")
    func overflow() throws {
        try header(1)
        let reader = subscription(100)
        picture(2, isKeyframe: true, size: 60)
        picture(3, isKeyframe: false, size: 60)
        picture(4, isKeyframe: false, size: 10)
        #expect(words(reader).isEmpty)
        picture(5, isKeyframe: true, size: 500)
        #expect(words(reader) == ["1", "5"])
        #expect(reader.takeDropped() == 2, "the header and the keyframe; what came after was never taken in")
        #expect(reader.takeDropped() == 0)
    }

    @Test("turns of the live are kept, whatever is lost, and media begins anew after them")
    func turns() throws {
        try header(1)
        let reader = subscription(100)
        picture(2, isKeyframe: true)
        #expect(relay.end(.interrupted))
        relay.begin()
        picture(3, isKeyframe: true, size: 10)
        #expect(words(reader) == ["1", "2", "interrupted", "resumed", "3"], "a header of before is none of the next")
        #expect(relay.end(.clean))
        #expect(words(reader) == ["ended"])
        #expect(!relay.remove(reader))
    }

    @Test("a reader is woken once until it has found nothing")
    func waking() throws {
        let wakes = Atomic(0)
        let reader = RelaySubscription(maximumBytes: 1000) { wakes.add(1, ordering: .relaxed) }
        relay.add(reader)
        try header(1)
        picture(2, isKeyframe: true)
        picture(3, isKeyframe: false)
        #expect(wakes.load(ordering: .relaxed) == 1)
        #expect(reader.take(upTo: 1).count == 1)
        picture(4, isKeyframe: false)
        #expect(reader.take(upTo: .max).count == 3)
        #expect(wakes.load(ordering: .relaxed) == 1)
        #expect(reader.take(upTo: .max).isEmpty)
        picture(5, isKeyframe: false)
        #expect(wakes.load(ordering: .relaxed) == 2)
    }

    @Test("a hub keeps a relay while somebody publishes or waits")
    func hub() throws {
        let main = try #require(StreamID("main"))
        let hub = RelayHub()
        let reader = RelaySubscription(maximumBytes: 1000) {}
        #expect(!hub.subscribe(reader, to: main))
        _ = hub.begin(main)
        #expect(hub.subscribe(reader, to: main))
        hub.end(main, .interrupted)
        #expect(!hub.isPublished(main))
        #expect(hub.subscribe(RelaySubscription(maximumBytes: 1) {}, to: main), "it waits like the first one")
        hub.end(main, .clean)
        #expect(!hub.subscribe(reader, to: main))
        _ = hub.begin(main)
        hub.end(main, .interrupted)
        #expect(!hub.subscribe(reader, to: main), "nobody waited")
    }
}

@Suite("RelayClock")
struct RelayClockTests {
    private var clock = RelayClock()
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    private mutating func times(_ media: [(source: Int64, kind: MediaKind, at: Int64)]) -> [UInt32] {
        media.map { clock.timestamp(of: .milliseconds($0.source), $0.kind, now: start + .milliseconds($0.at)) }
    }

    @Test("it begins at zero and goes with the encoder's clock, whatever the network does")
    mutating func steady() {
        let media: [(Int64, MediaKind, Int64)] = [
            (70_000, .video, 0), (70_010, .audio, 500), (70_040, .video, 501), (70_033, .audio, 502),
        ]
        #expect(times(media) == [0, 10, 40, 33])
    }

    @Test("a jump of both kinds, back or forward, goes on at the moment of its arrival with both together")
    mutating func jumps() {
        let media: [(Int64, MediaKind, Int64)] = [
            (1000, .video, 0), (1000, .audio, 0), (500_000, .video, 40), (500_010, .audio, 50), (0, .audio, 90),
            (20, .video, 110),
        ]
        #expect(times(media) == [0, 0, 40, 50, 90, 110])
    }

    @Test("kinds on clocks of their own keep each its own")
    mutating func apart() {
        let media: [(Int64, MediaKind, Int64)] = [
            (1000, .video, 0), (900_000, .audio, 10), (1040, .video, 40), (900_030, .audio, 45),
        ]
        #expect(times(media) == [0, 10, 40, 40])
    }

    @Test("a pause of the encoder is a pause, and another encoder goes on where the last one was")
    mutating func pauses() {
        #expect(times([(1000, .video, 0), (9000, .video, 8000)]) == [0, 8000])
        clock.rebase()
        #expect(times([(0, .video, 12_000), (40, .video, 12_040)]) == [12_000, 12_040])
        #expect(clock.timestamp == 12_040)
    }

    @Test("timestamps wrap at 2^32")
    mutating func wraps() {
        let late = NIODeadline.uptimeNanoseconds(1_000_000_000)
        _ = clock.timestamp(of: .zero, .video, now: late)
        let day = Int64(86_400_000)
        for days in 1...50 {
            let time = Int64(days) * day
            let timestamp = clock.timestamp(of: .milliseconds(time), .video, now: late + .milliseconds(time))
            #expect(timestamp == UInt32(truncatingIfNeeded: time))
        }
    }
}
