import CoreMetrics
import Logging
import MediaCore
import NIOCore
import NIOPosix
import Synchronization

/// Watches how busy the event loops are, and takes nobody new on one that has more to do than it can.
///
/// It looks at each loop by itself: a newcomer has been given to one, and harms those whom that loop serves. Another loop may
/// have room, and who comes again gets the next one in turn.
final class LoadWatch: Admission {
    /// How often the loops are looked at.
    static let interval = Duration.milliseconds(500)

    static let help = [
        "server.event_loop.busy_ratio": "share of the last half second in which an event loop was not idle, by loop",
        "server.event_loop.overloaded": "1 while an event loop has more to do than it can, else 0, by loop",
        "server.overload.refusals": "newcomers that were refused because of too much to do, by kind",
    ]

    /// An event loop as everybody sees it.
    private final class Loop: Sendable {
        let isOverloaded = Atomic(false)
        let busyRatio: Meter
        let overloaded: Meter

        init(number: Int, _ factory: any MetricsFactory) {
            let dimensions = [("loop", "\(number)")]
            busyRatio = Meter(label: "server.event_loop.busy_ratio", dimensions: dimensions, factory: factory)
            overloaded = Meter(label: "server.event_loop.overloaded", dimensions: dimensions, factory: factory)
            overloaded.set(0)
        }
    }

    /// From which share of its time on a loop has too much to do; `nil` when nobody is ever refused.
    private let threshold: Double?
    private let eventLoops: [any EventLoop]
    private let loops: [Loop]
    private let numbers: [ObjectIdentifier: Int]
    private let overloadedLoops = Atomic(0)
    private let refusedCount = Atomic(0)
    private let refusals: [String: Counter]
    private let isServed: @Sendable (StreamID) -> Bool
    private let logger: Logger

    /// A watch that admits everybody until it runs.
    ///
    /// - Parameters:
    ///   - group: the event loops.
    ///   - threshold: from which share of its time on, from 0 to 1, a loop has too much to do; `nil` to refuse nobody.
    ///   - isServed: whether a stream's live runs or waits for its encoder: who publishes that is no newcomer.
    ///   - metrics: gets how busy the loops are, and who is refused.
    ///   - logger: gets when a loop begins to have too much to do, and when that is over.
    init(
        _ group: any EventLoopGroup,
        threshold: Double?,
        isServed: @escaping @Sendable (StreamID) -> Bool,
        metrics: any MetricsFactory,
        logger: Logger
    ) {
        self.threshold = threshold
        self.isServed = isServed
        self.logger = logger
        eventLoops = Array(group.makeIterator())
        loops = eventLoops.indices.map { Loop(number: $0, metrics) }
        numbers = Dictionary(uniqueKeysWithValues: eventLoops.enumerated().map { (ObjectIdentifier($1), $0) })
        refusals = Dictionary(
            uniqueKeysWithValues: ["publisher", "viewer", "player"].map { kind in
                (kind, Counter(label: "server.overload.refusals", dimensions: [("kind", kind)], factory: metrics))
            }
        )
    }

    // MARK: - Admission

    /// Whether no loop has room.
    var isFull: Bool { overloadedLoops.load(ordering: .relaxed) == loops.count }

    func admits(_ newcomer: Newcomer) -> Bool {
        guard overloadedLoops.load(ordering: .relaxed) > 0,
            let loop = MultiThreadedEventLoopGroup.currentEventLoop,
            let number = numbers[ObjectIdentifier(loop)], loops[number].isOverloaded.load(ordering: .relaxed)
        else { return true }
        switch newcomer {
        case .publisher(let stream):
            if isServed(stream) { return true }
            refuse("publisher")
        case .viewer: refuse("viewer")
        case .player: refuse("player")
        }
        return false
    }

    private func refuse(_ kind: String) {
        refusals[kind]?.increment()
        refusedCount.add(1, ordering: .relaxed)
    }

    // MARK: - The watch

    /// Looks at the loops until the task is cancelled.
    ///
    /// Not on an event loop: one that is overloaded would be late.
    func run() async {
        guard let clocks = await openClocks() else {
            if threshold != nil {
                logger.notice("the kernel does not tell how busy threads are: nobody is refused for overload")
            }
            return
        }
        // Where nobody is refused, the metrics still say how busy the loops are.
        var detectors = loops.map { _ in OverloadDetector(threshold: threshold ?? .infinity) }
        repeat {
            let now = ContinuousClock.now
            for (number, clock) in clocks.enumerated() {
                guard let occupied = clock.occupied else { continue }
                detectors[number].measured(occupied: occupied, at: now)
            }
            tell(detectors)
        } while (try? await Task.sleep(for: Self.interval)) != nil
    }

    /// One clock for each loop, or `nil` where the kernel has none.
    private func openClocks() async -> [ThreadClock]? {
        var clocks: [ThreadClock] = []
        for eventLoop in eventLoops {
            guard let clock = try? await eventLoop.submit({ ThreadClock.ofThisThread() }).get() else { return nil }
            clocks.append(clock)
        }
        return clocks
    }

    /// Makes known what was seen.
    ///
    /// - Parameter detectors: one for each loop, in the group's order.
    func tell(_ detectors: [OverloadDetector]) {
        for (loop, detector) in zip(loops, detectors) {
            loop.busyRatio.set(detector.busyShare)
            loop.overloaded.set(detector.isOverloaded ? 1 : 0)
            loop.isOverloaded.store(detector.isOverloaded, ordering: .relaxed)
        }
        let count = detectors.count(where: \.isOverloaded)
        let before = overloadedLoops.exchange(count, ordering: .relaxed)
        guard count != before else { return }
        let shares = detectors.map { "\(Int(($0.busyShare * 100).rounded()))" }.joined(separator: " ")
        var metadata: Logger.Metadata = [
            "loops.overloaded": "\(count) of \(loops.count)", "loops.busy_percent": "\(shares)",
        ]
        if count > 0 {
            logger.warning("overload: new publishers and viewers are refused on busy event loops", metadata: metadata)
        } else {
            metadata["refused"] = "\(refusedCount.exchange(0, ordering: .relaxed))"
            logger.notice("overload is over: everybody is taken again", metadata: metadata)
        }
    }
}
