import LiveStore
import Logging
import MediaCore
import NIOCore

@testable import Ingest
@testable import Packager

/// The way of a frame from the bytes of the socket to what viewers fetch, without the socket: chunks, FLV, segments and parts,
/// fragmented MP4, playlists, the live's window.
struct LiveMeasurement {
    private(set) var store = LiveStore()
    private let sink: any AccessUnitSink
    private let stream: LiveStream
    private var decoder = RTMPChunkDecoder(limits: .media)
    private var demuxer = FLVDemuxer()

    /// How much is listed; as much again stays fetchable.
    private static let window = MediaTime.milliseconds(12_000)
    /// Until windows are full and everything that is kept once is there.
    static let warmUpSeconds = 40

    /// A live that nothing has been sent to.
    init() throws {
        let packaging = LivePackaging(
            store: store,
            configuration: PackagerConfiguration(windowDuration: Self.window, memoryDuration: Self.window),
            clock: PackagerClock(wall: { WallClockTime(milliseconds: 1_790_000_000_000) }),
            makeTag: { "budget" },
            logger: Logger(label: "budgets", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        guard let id = StreamID("main") else { throw MeasurementError("a name is none") }
        sink = packaging.beginPublish(id)
        guard let stream = store.stream(id) else { throw MeasurementError("no live was begun") }
        self.stream = stream
    }

    /// What one kind of message costs.
    struct Share {
        var messages = 0
        var counters = Counters()

        /// Allocations of one.
        var allocations: Double { Double(counters.allocations) / Double(max(1, messages)) }
    }

    /// Messages by what came of them.
    struct Shares {
        /// Those that were only put to the others.
        var accessUnits = Share()
        /// Those with which a part was published, but no segment ended.
        var parts = Share()
        /// Those with which a segment ended.
        var segments = Share()
        var all = Counters()
    }

    /// Takes everything that a socket brings, and says what that cost, from behind the first message of a time on.
    ///
    /// - Parameters:
    ///   - reads: the bytes of chunks.
    ///   - timestamp: where counting begins.
    ///   - look: gets what viewers can fetch after each part that was counted.
    /// - Returns: the cost by what came of the messages.
    /// - Throws: what ingest throws of broken media, which this is not.
    mutating func receive(
        _ reads: [ByteBuffer],
        countingFrom timestamp: UInt32,
        look: ((LiveStream.Snapshot) -> Void)? = nil
    ) throws -> Shares {
        var shares = Shares()
        var isCounting = false
        var place = stream.snapshot.window.nextPart
        for read in reads {
            var input = read
            while true {
                let before = Counters.now
                let message = try decoder.nextMessage(from: &input)
                if let message { try take(message) }
                let cost = Counters.now - before
                if isCounting { shares.all += cost }
                guard let message else { break }
                // Looking copies, and is not counted.
                let next = stream.snapshot.window.nextPart
                if isCounting {
                    add(cost, to: &shares, from: place, next)
                    if let look, next != place { look(stream.snapshot) }
                }
                place = next
                isCounting = isCounting || message.timestamp >= timestamp
            }
        }
        return shares
    }

    private func add(
        _ counters: Counters,
        to shares: inout Shares,
        from place: (mediaSequenceNumber: Int, index: Int),
        _ next: (mediaSequenceNumber: Int, index: Int)
    ) {
        func add(to share: inout Share) {
            share.messages += 1
            share.counters += counters
        }
        if next.mediaSequenceNumber != place.mediaSequenceNumber {
            add(to: &shares.segments)
        } else if next.index != place.index {
            add(to: &shares.parts)
        } else {
            add(to: &shares.accessUnits)
        }
    }

    private mutating func take(_ message: RTMPMessage) throws {
        for output in try demuxer.outputs(of: message) {
            switch output {
            case .configure(let track): sink.configure(track)
            case .unit(let unit): sink.receive(unit)
            case .dropped(let reason): throw MeasurementError("dropped: \(reason)")
            }
        }
    }

    /// The live's tag.
    var tag: String { stream.tag }

    /// What viewers can fetch.
    var snapshot: LiveStream.Snapshot { stream.snapshot }
}
