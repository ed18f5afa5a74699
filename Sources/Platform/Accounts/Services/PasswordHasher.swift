internal import Cryptography
internal import NIOPosix
internal import Synchronization

/// Makes and checks password hashes on threads of its own, a bounded number at once.
///
/// A hash takes 128 MiB and half a second of a core: on the threads of Swift's concurrency it would stop everything else,
/// and without a bound a handful of strangers would fill the memory. What finds no place in the queue is refused at once.
public final class PasswordHasher: Sendable {
    /// No place in the queue, or no memory; try again in some seconds.
    public struct Busy: Error {
        /// When trying again makes sense, in seconds.
        public let retryAfter: Int
    }

    /// The cost new hashes are made with.
    public let cost: PasswordHash.Cost
    private let threads: NIOThreadPool
    private let limit: Int
    private let pending = Mutex(0)
    /// A hash that no password has: it costs the same, so that time does not tell whether an account is there.
    let dummy: PasswordHash

    /// Starts the threads.
    ///
    /// - Parameters:
    ///   - cost: of new hashes.
    ///   - permits: how many are made at once.
    ///   - queue: how many more may wait.
    public init(cost: PasswordHash.Cost = .standard, permits: Int = 3, queue: Int = 24) {
        self.cost = cost
        self.limit = permits + queue
        threads = NIOThreadPool(numberOfThreads: permits)
        threads.start()
        dummy = PasswordHash(
            cost: cost,
            salt: Randomness.bytes(PasswordHash.saltSize),
            hash: Randomness.bytes(PasswordHash.hashSize)
        )
    }

    /// Stops the threads when what runs is done.
    public func shutDown() async {
        try? await threads.shutdownGracefully()
    }

    /// The PHC string of a password.
    ///
    /// - Throws: ``Busy``.
    public func hash(_ password: String) async throws -> String {
        let cost = cost
        return try await run {
            PasswordHash(password: password, cost: cost, salt: Randomness.bytes(PasswordHash.saltSize))?.phc
        }
    }

    /// What comes of checking a password.
    public struct Verdict: Sendable, Equatable {
        /// Whether it is the account's.
        public let isCorrect: Bool
        /// A new PHC string to keep instead of the old, when the old was made with less than is usual now.
        public let rehash: String?
    }

    /// Checks a password against a PHC string; `nil`, an account that is not there, takes as long and is never right.
    ///
    /// - Throws: ``Busy``.
    public func verify(_ password: String, against phc: String?) async throws -> Verdict {
        let cost = cost
        let stored = phc.flatMap { PasswordHash(phc: $0) }
        let compared = stored ?? dummy
        return try await run {
            let isCorrect = compared.matches(password) && stored != nil
            guard isCorrect, compared.needsRehash(for: cost) else { return Verdict(isCorrect: isCorrect, rehash: nil) }
            let fresh = PasswordHash(password: password, cost: cost, salt: Randomness.bytes(PasswordHash.saltSize))
            return Verdict(isCorrect: true, rehash: fresh?.phc)
        }
    }

    private func run<Result: Sendable>(_ work: @escaping @Sendable () -> Result?) async throws -> Result {
        let isAdmitted = pending.withLock { pending in
            guard pending < limit else { return false }
            pending += 1
            return true
        }
        guard isAdmitted else { throw Busy(retryAfter: 5) }
        defer { pending.withLock { $0 -= 1 } }
        guard let result = try await threads.runIfActive({ work() }) else { throw Busy(retryAfter: 5) }
        return result
    }
}
