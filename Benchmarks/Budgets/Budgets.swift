import LiveStore
import NIOCore

@testable import Ingest
@testable import Packager

/// Measures what Benchmarks/budgets.py holds to its budgets, and prints a line for each: the value, a tab, and its name.
///
/// `Budgets counts FIXTURE` with counters.c preloaded gives allocations and copied bytes; `Budgets instructions FIXTURE` under
/// Callgrind gives, in the order of Callgrind's dumps, the bytes of media that each of them is about.
@main
struct Budgets {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        guard arguments.count == 2, let mode = arguments.first, let fixture = arguments.last else {
            throw MeasurementError("usage: Budgets counts|instructions FIXTURE")
        }
        switch mode {
        case "counts": try counts(fixture)
        case "instructions":
            for (name, byteCount) in try InstructionMeasurement(fixture: fixture).run() {
                print("\(byteCount)\t\(name)")
            }
        default: throw MeasurementError("\(mode): neither counts nor instructions")
        }
    }

    /// Media that is counted, in seconds.
    private static let seconds = 40

    private static func counts(_ fixture: String) throws {
        guard Counters.areThere else { throw MeasurementError("counters.c is not preloaded") }
        for chunkSize in [4096, 128] { try ingest(fixture, chunkSize) }
        let live = try publish(fixture)
        let origin = try OriginMeasurement(live.store)
        let part = live.snapshot.window.unfinished?.parts.last ?? live.snapshot.window.last?.parts.last
        guard let part, let segment = live.snapshot.window.last else { throw MeasurementError("nothing was published") }
        let targets = [
            ("playlist", "media.m3u8"), ("playlist delta", "media.m3u8?_HLS_skip=YES"), ("part", part.resource.name),
            ("segment", segment.resource.name),
        ]
        for (name, target) in targets {
            let cost = try origin.costOfGet("/live/main/\(target)", isKnown: false)
            tell(cost.allocations, "allocations per GET of a \(name)")
            tell(cost.copiedBytes, "bytes copied per GET of a \(name)")
            let costAgain = try origin.costOfGet("/live/main/\(target)", isKnown: true)
            tell(costAgain.allocations, "allocations per GET again of a \(name)")
        }
    }

    /// Ingest alone: chunks and FLV.
    private static func ingest(_ fixture: String, _ chunkSize: Int) throws {
        let media = try Media(seconds: seconds, fixture: fixture)
        let reads = media.reads(chunkSize: chunkSize)
        var decoder = RTMPChunkDecoder(limits: .media)
        var demuxer = FLVDemuxer()
        let before = Counters.now
        for read in reads {
            var input = read
            while let message = try decoder.nextMessage(from: &input) { _ = try demuxer.outputs(of: message) }
        }
        let used = Counters.now - before
        let name = "in chunks of \(chunkSize), ingest"
        tell(Double(used.allocations) / Double(media.accessUnitCount), "\(name): allocations per access unit")
        tell(Double(used.copiedBytes) / Double(media.byteCount), "\(name): bytes copied per byte")
    }

    /// From chunks to what viewers fetch.
    private static func publish(_ fixture: String) throws -> LiveMeasurement {
        let warmUp = LiveMeasurement.warmUpSeconds
        let media = try Media(seconds: warmUp + seconds, fixture: fixture)
        let counted = media.messages.filter { $0.timestamp > UInt32(warmUp * 1000) }
        let byteCount = counted.reduce(0) { $0 + $1.payload.readableBytes }
        var live = try LiveMeasurement()
        let shares = try live.receive(media.reads(chunkSize: 4096), countingFrom: UInt32(warmUp * 1000))
        tell(shares.accessUnits.allocations, "published: allocations per access unit")
        tell(shares.parts.allocations, "published: allocations per part")
        tell(shares.segments.allocations, "published: allocations per segment")
        tell(Double(shares.all.copiedBytes) / Double(byteCount), "published: bytes copied per byte")
        tell(Double(shares.all.allocatedBytes) / Double(byteCount), "published: bytes allocated per byte")
        return live
    }

    private static func tell(_ value: Double, _ name: String) {
        print("\((value * 1000).rounded() / 1000)\t\(name)")
    }
}
