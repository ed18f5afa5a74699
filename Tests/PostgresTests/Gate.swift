import Dispatch
import PlatformTestSupport
import Postgres
import Synchronization
import TestSupport

/// Holds threads up until it is opened.
final class Gate: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)

    func wait() { semaphore.wait() }
    func open() { semaphore.signal() }
}

/// What happened, in order.
final class Recorded: Sendable {
    private let state = Mutex<[Int]>([])

    var values: [Int] { state.withLock { $0 } }
    func append(_ value: Int) { state.withLock { $0.append(value) } }
}

extension Database {
    /// Returns as soon as the server finds the condition true; the server does the waiting.
    func waitUntil(_ condition: SQL) async throws {
        try await withDeadline(.seconds(20)) {
            "the server did not find it true: \(condition.text)"
        } _: {
            while true {
                let isTrue = try await self.run { connection in
                    try connection.queryFirst("SELECT (\(fragment: condition)), pg_sleep(0.005)") {
                        try $0.get(0, as: Bool.self)
                    }
                }
                if isTrue == true { return }
            }
        }
    }
}
