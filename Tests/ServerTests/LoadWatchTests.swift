import CoreMetrics
import Logging
import MediaCore
import NIOCore
import NIOPosix
import Testing

@testable import lyceum

@Suite("LoadWatch")
struct LoadWatchTests {
    private static let running = StreamID("running")

    /// A detector of a loop that has been busy for ever.
    private var overloaded: OverloadDetector {
        var detector = idle
        detector.measured(occupied: .zero, at: .now)
        detector.measured(occupied: .seconds(10), at: .now + .seconds(10))
        return detector
    }

    private var idle: OverloadDetector { OverloadDetector(threshold: 0.9) }

    private func watch(_ group: any EventLoopGroup) -> LoadWatch {
        LoadWatch(
            group,
            threshold: 0.9,
            isServed: { $0 == Self.running },
            metrics: NOOPMetricsHandler.instance,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    @Test("newcomers are refused on the loop that has too much to do, and there alone; who is served is taken")
    func perLoop() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let (busy, other) = (group.next(), group.next())
        let watch = watch(group)
        let detectors = group.makeIterator().map { $0 === busy ? overloaded : idle }
        let new = Newcomer.publisher(try #require(StreamID("new")))
        let known = Newcomer.publisher(try #require(Self.running))
        let everybody = [new, known, .viewer, .player]
        @Sendable func admitted(_ loop: any EventLoop) async throws -> [Bool] {
            try await loop.submit { everybody.map { watch.admits($0) } }.get()
        }

        #expect(try await admitted(busy) == [true, true, true, true])
        watch.tell(detectors)
        #expect(!watch.isFull)
        #expect(try await admitted(busy) == [false, true, false, false])
        #expect(try await admitted(other) == [true, true, true, true])
        watch.tell([overloaded, overloaded])
        #expect(watch.isFull)
        #expect(try await admitted(other) == [false, true, false, false])
        watch.tell([idle, idle])
        #expect(!watch.isFull)
        #expect(try await admitted(busy) == [true, true, true, true])
        try await group.shutdownGracefully()
    }

    @Test("a thread's clock goes on with what the thread does")
    func threadClock() throws {
        let clock = try #require(ThreadClock.ofThisThread())
        let before = try #require(clock.occupied)
        // The kernel adds at its ticks, of 10 ms at the most: as long as none has come, the thread goes on.
        while clock.occupied == before {}
        #expect(try #require(clock.occupied) > before)
    }
}
