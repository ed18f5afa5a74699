import Testing

@testable import Kernel

@Suite("How failed work is tried again")
struct RetryPolicyTests {
    let policy = RetryPolicy(maximumAttempts: 5, first: .seconds(4), longest: .seconds(20))

    @Test("the wait doubles up to its bound", arguments: zip([1, 2, 3, 4, 60, Int.max], [4, 8, 16, 20, 20, 20]))
    func doubles(attempts: Int, seconds: Int) {
        #expect(policy.backOff(attempts: attempts) == .seconds(seconds))
    }

    @Test("chance shortens a wait by half at most", arguments: zip([0, 0.5, 1, 7, -1], [8, 6, 4, 4, 8]))
    func jitter(jitter: Double, seconds: Int) {
        #expect(
            policy.afterFailure(attempts: 2, isPermanent: false, jitter: jitter) == .retry(after: .seconds(seconds))
        )
    }

    @Test("the last attempt is followed by none")
    func last() {
        #expect(policy.afterFailure(attempts: 4, isPermanent: false, jitter: 0) == .retry(after: .seconds(20)))
        #expect(policy.afterFailure(attempts: 5, isPermanent: false, jitter: 0) == .bury)
        #expect(policy.afterFailure(attempts: 6, isPermanent: false, jitter: 0) == .bury)
    }

    @Test("a permanent failure is not tried again")
    func permanent() {
        #expect(policy.afterFailure(attempts: 1, isPermanent: true, jitter: 0) == .bury)
    }

    @Test("a policy without a wait does not go round for ever")
    func nothing() {
        #expect(RetryPolicy(first: .zero).backOff(attempts: .max) == .zero)
        #expect(RetryPolicy(maximumAttempts: -3).maximumAttempts == 1)
    }
}
