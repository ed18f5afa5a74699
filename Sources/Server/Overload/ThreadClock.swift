import Glibc

/// What the kernel counts of one thread: how long it ran, and how long it waited for a processor.
///
/// The file `schedstat` of proc(5) begins with both in nanoseconds. It is opened by the thread that it is about and can be
/// read by all.
final class ThreadClock: Sendable {
    private let descriptor: Int32

    /// The clock of the calling thread; `nil` where the kernel has none.
    static func ofThisThread() -> ThreadClock? {
        let descriptor = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        let clock = ThreadClock(descriptor: descriptor)
        // Kernels that do not account for threads have the file all the same, with nothing in it but zeros.
        return clock.occupied.map { $0 > .zero } == true ? clock : nil
    }

    private init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// How long, in all, the thread has run or waited for a processor; `nil` when that cannot be read.
    var occupied: Duration? {
        // Two numbers of 64 bits, a count, and what separates them.
        let text = String(unsafeUninitializedCapacity: 64) { max(0, pread(descriptor, $0.baseAddress, $0.count, 0)) }
        let fields = text.split(whereSeparator: \.isWhitespace)
        guard fields.count >= 2, let ran = Int64(fields[0]), let waited = Int64(fields[1]) else { return nil }
        return .nanoseconds(ran) + .nanoseconds(waited)
    }
}
