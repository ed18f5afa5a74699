import NIOCore
import NIOPosix
import Storage

/// Reads files for event loops, which must never wait for a disk themselves.
///
/// Its threads are its own: a disk that hangs holds up those who read from it and nobody else. They start with the first
/// read.
final class DiskReader: Sendable {
    /// As many reads as run at once; a disk gains little from more, and what the page cache has takes microseconds.
    private static let threadCount = 4

    let pool = NIOThreadPool(numberOfThreads: threadCount)
    private let consultations: ConsultationCount

    /// A reader without threads yet.
    ///
    /// - Parameter consultations: bounds how many wait.
    init(consultations: ConsultationCount = ConsultationCount()) { self.consultations = consultations }

    deinit { pool.shutdownGracefully { _ in } }

    /// Reads a slice, whole.
    ///
    /// - Parameters:
    ///   - slice: what to read.
    ///   - receive: called once, on one of the reader's threads.
    func read(
        _ slice: FileSlice,
        _ receive: @escaping @Sendable (Result<ByteBuffer, any Error>) -> Void
    ) {
        pool.start()
        pool.submit { state in
            guard case .active = state else { return receive(.failure(NIOThreadPoolError.ThreadPoolInactive())) }
            receive(Result { try slice.read(0..<slice.length) })
        }
    }

    /// Does something that blocks.
    ///
    /// - Parameters:
    ///   - consultation: what to do.
    ///   - receive: called once, on any thread, with the result.
    /// - Returns: false when too many wait already; then nothing is done, and `receive` is not called.
    func consult<Result>(
        _ consultation: Consultation<Result>,
        _ receive: @escaping @Sendable (Result) -> Void
    ) -> Bool {
        guard consultations.admit() else { return false }
        pool.start()
        pool.submit { [consultations] state in
            let result = if case .active = state { consultation.work() } else { consultation.failure() }
            consultations.release()
            receive(result)
        }
        return true
    }
}
