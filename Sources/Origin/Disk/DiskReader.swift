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

    /// Reads a slice, whole; one in a store without a thread, which would wait for the network.
    ///
    /// - Parameters:
    ///   - slice: what to read.
    ///   - receive: called once, on one of the reader's threads.
    func read(
        _ slice: FileSlice,
        _ receive: @escaping @Sendable (Result<ByteBuffer, any Error>) -> Void
    ) {
        guard !slice.isRemote else {
            Task {
                do throws(StorageFailure) {
                    receive(.success(try await slice.fetch(0..<slice.length)))
                } catch {
                    receive(.failure(error))
                }
            }
            return
        }
        submit(receive) { try slice.read(0..<slice.length) }
    }

    /// Makes a slice that is not remote ready to be sent by the system, or else reads the beginning of it.
    ///
    /// - Parameters:
    ///   - slice: what to send.
    ///   - count: how many bytes to read where the system is not to send them.
    ///   - receive: called once, on one of the reader's threads.
    func open(
        _ slice: FileSlice,
        orRead count: Int,
        _ receive: @escaping @Sendable (Result<BodyChunk, any Error>) -> Void
    ) {
        submit(receive) {
            if let region = try slice.openRegion() { return .region(region) }
            let start = slice.subslice(0..<count)
            return .bytes(try start.read(0..<start.length))
        }
    }

    /// Looks whether a region's file still has all of it.
    ///
    /// - Parameters:
    ///   - region: what is being sent.
    ///   - cutOff: called on one of the reader's threads if it has not.
    func examine(_ region: OpenRegion, _ cutOff: @escaping @Sendable () -> Void) {
        submit({ if case .success(false) = $0 { cutOff() } }, { region.isWhole })
    }

    private func submit<Value: Sendable>(
        _ receive: @escaping @Sendable (Result<Value, any Error>) -> Void,
        _ work: @escaping @Sendable () throws -> Value
    ) {
        pool.start()
        pool.submit { state in
            guard case .active = state else { return receive(.failure(NIOThreadPoolError.ThreadPoolInactive())) }
            receive(Result { try work() })
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
        switch consultation.work {
        case .waiting(let work):
            Task { [consultations] in
                let result = await work()
                consultations.release()
                receive(result)
            }
        case .blocking(let work):
            pool.start()
            pool.submit { [consultations] state in
                let result = if case .active = state { work() } else { consultation.failure() }
                consultations.release()
                receive(result)
            }
        }
        return true
    }
}
