import LiveStore
import MediaCore
import NIOCore

@testable import Ingest
@testable import Packager

/// What single steps take, in instructions: Callgrind counts from one mark to the next, and every second
/// of these counts is that of a step.
struct InstructionMeasurement {
    /// What is measured, after this much that is not.
    private static let (warmUpSeconds, seconds) = (14, 8)

    private let fixture: String
    private let media: Media

    /// Media to measure with.
    init(fixture: String) throws {
        self.fixture = fixture
        media = try Media(seconds: Self.seconds, fixture: fixture)
    }

    /// Runs each step once and gives its name and the bytes of media it was for, in the order in which they ran.
    func run() throws -> [(name: String, byteCount: Int)] {
        let units = try accessUnits()
        let sets = partSets(units)
        let live = try segments()
        return [
            try dechunk(4096), try dechunk(128), try demultiplex(), segment(units), fragments(sets),
            try transportStreams(live),
            playlists(live),
        ]
    }

    private func measured(_ name: String, byteCount: Int? = nil, _ body: () throws -> Void) rethrows -> (String, Int) {
        mark()
        try body()
        mark()
        return (name, byteCount ?? media.byteCount)
    }

    // MARK: - Ingest

    private func dechunk(_ chunkSize: Int) throws -> (String, Int) {
        let reads = media.reads(chunkSize: chunkSize)
        var decoder = RTMPChunkDecoder(limits: .media)
        return try measured("de-chunk \(chunkSize)") {
            for read in reads {
                var input = read
                while try decoder.nextMessage(from: &input) != nil { continue }
            }
        }
    }

    private func demultiplex() throws -> (String, Int) {
        var demuxer = FLVDemuxer()
        return try measured("FLV") {
            for message in media.messages { _ = try demuxer.outputs(of: message) }
        }
    }

    private func accessUnits() throws -> [FLVDemuxer.Output] {
        var demuxer = FLVDemuxer()
        return try media.messages.flatMap { try Array(demuxer.outputs(of: $0)) }
    }

    // MARK: - Packager

    private func makeSegmenter() -> RenditionSegmenter {
        let configuration = PackagerConfiguration()
        return RenditionSegmenter(
            Segmenter(
                nominal: configuration.segmentDuration,
                position: PackagerConfiguration.timelineOrigin,
                nominalPart: configuration.partDuration
            )
        )
    }

    private func segment(_ outputs: [FLVDemuxer.Output]) -> (String, Int) {
        var segmenter = makeSegmenter()
        return measured("segmenter") {
            for output in outputs { _ = segmenter.take(output) }
        }
    }

    private func partSets(_ outputs: [FLVDemuxer.Output]) -> [PartSet] {
        var segmenter = makeSegmenter()
        return outputs.flatMap { segmenter.take($0) }
    }

    private func fragments(_ sets: [PartSet]) -> (String, Int) {
        let byteCount = sets.reduce(0) { $0 + $1.primary.runs.reduce(0) { $0 + $1.payloadSize } }
        return measured("fragmented MP4", byteCount: byteCount) {
            for (number, set) in sets.enumerated() {
                _ = MediaSegmentWriter.write(set.primary.runs, trackIDs: [1, 2], sequenceNumber: UInt32(number))
            }
        }
    }

    // MARK: - What is made of segments

    /// A live with full windows and then all its states, one for each part.
    private struct Live {
        var states: [LiveStream.Snapshot] = []
        var tag = ""
        var segments: [MediaSegment] { states.last.map { Array($0.window.heldSegments) } ?? [] }
    }

    private func segments() throws -> Live {
        var measurement = try LiveMeasurement()
        let longer = try Media(seconds: Self.warmUpSeconds + Self.seconds, fixture: fixture)
        var live = Live()
        _ = try measurement.receive(longer.reads(chunkSize: 4096), countingFrom: UInt32(Self.warmUpSeconds * 1000)) {
            live.states.append($0)
        }
        live.tag = measurement.tag
        return live
    }

    private func transportStreams(_ live: Live) throws -> (String, Int) {
        let segments = live.segments
        return try measured("MPEG-TS", byteCount: segments.reduce(0) { $0 + $1.resource.byteCount }) {
            for segment in segments {
                _ = try TransportStreamSegment(
                    initialization: segment.initialization.body,
                    pieces: segment.resource.pieces
                )
            }
        }
    }

    /// The playlists of every part, for each byte of media in these parts.
    private func playlists(_ live: Live) -> (String, Int) {
        var settled: MediaPlaylist.Settled?
        var last = -1
        return measured("playlists", byteCount: media.byteCount) {
            for state in live.states {
                let playlist = MediaPlaylist(
                    tag: live.tag,
                    rendition: nil,
                    window: state.window,
                    targets: PlaylistTargets(duration: state.targetDuration ?? 0, part: state.partTarget),
                    isEnded: false
                )
                let next = state.window.nextPart.mediaSequenceNumber
                if next != last { settled = nil }
                last = next
                let known = settled ?? playlist.settled()
                settled = known
                _ = playlist.rendered(known)
            }
        }
    }
}

extension FLVDemuxer {
    /// What a message of media is to the publish.
    mutating func outputs(of message: RTMPMessage) throws -> Outputs {
        message.typeID == RTMPMessage.TypeID.video
            ? try receiveVideo(message.payload, timestamp: message.timestamp)
            : try receiveAudio(message.payload, timestamp: message.timestamp)
    }
}

extension RenditionSegmenter {
    fileprivate mutating func take(_ output: FLVDemuxer.Output) -> [PartSet] {
        switch output {
        case .configure(let track): configure(track)
        case .unit(let unit): return receive(unit)
        case .dropped: break
        }
        return []
    }
}

// MARK: - Marks for Callgrind

/// Callgrind writes what it has counted, and begins again, when it enters this.
///
/// Not optimised, or calls of a function that does nothing would be left out.
@_silgen_name("budget_mark") @_optimize(none) @inline(never)
func mark() {}
