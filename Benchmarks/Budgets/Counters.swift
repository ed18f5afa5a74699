import Glibc

/// What the process has allocated and copied so far, as counters.c counts it.
struct Counters {
    /// Calls that gave or moved memory.
    var allocations = 0
    /// Bytes asked for.
    var allocatedBytes = 0
    /// Calls that copied.
    var copies = 0
    /// Bytes copied.
    var copiedBytes = 0

    /// The counters of counters.c; `nil` when that is not preloaded, and then everything is 0.
    ///
    /// Read by the one thread that is measured.
    private nonisolated(unsafe) static let memory =
        dlsym(nil, "budget_counters")?.assumingMemoryBound(to: UInt64.self)

    /// Whether anything is counted.
    static var areThere: Bool { memory != nil }

    /// The counts of this moment.
    ///
    /// Allocates nothing.
    static var now: Counters {
        guard let memory else { return Counters() }
        return Counters(
            allocations: Int(memory[0]),
            allocatedBytes: Int(memory[1]),
            copies: Int(memory[2]),
            copiedBytes: Int(memory[3])
        )
    }

    /// What has come since.
    static func - (later: Counters, earlier: Counters) -> Counters {
        Counters(
            allocations: later.allocations - earlier.allocations,
            allocatedBytes: later.allocatedBytes - earlier.allocatedBytes,
            copies: later.copies - earlier.copies,
            copiedBytes: later.copiedBytes - earlier.copiedBytes
        )
    }

    /// The sum.
    static func += (sum: inout Counters, more: Counters) {
        sum.allocations += more.allocations
        sum.allocatedBytes += more.allocatedBytes
        sum.copies += more.copies
        sum.copiedBytes += more.copiedBytes
    }
}
