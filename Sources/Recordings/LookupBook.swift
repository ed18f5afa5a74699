import NIOCore
import Storage
import Synchronization

/// Which recordings are being looked for in the store, and which were not there a moment ago.
///
/// Anybody may ask for any identifier: what that costs the store is bounded.
final class LookupBook: Sendable {
    typealias Lookup = Task<Result<Recording?, ObjectStoreFailure>, Never>

    /// What becomes of a question.
    enum Answer {
        /// It is not there.
        case missing
        /// Too many are being looked for.
        case busy
        /// It is being looked for.
        case under(Lookup)
    }

    /// As many are looked for at once: a few of them take some tenths of a second each.
    private static let mostLookups = 16
    /// How long it is known that something is not there.
    private static let memory = TimeAmount.seconds(30)
    /// Of how many that is known.
    private static let mostMissing = 4096

    private struct State {
        var lookups: [RecordingID: Lookup] = [:]
        var missing: [RecordingID: NIODeadline] = [:]
    }

    private let state = Mutex(State())

    /// Asks for a recording.
    ///
    /// - Parameters:
    ///   - id: the recording.
    ///   - now: the time.
    ///   - isKnown: whether it is there for sure.
    ///   - start: begins to look for it.
    /// - Returns: what becomes of the question.
    func begin(_ id: RecordingID, now: NIODeadline, isKnown: Bool, _ start: () -> Lookup) -> Answer {
        state.withLock { state in
            if let lookup = state.lookups[id] { return .under(lookup) }
            if !isKnown, let until = state.missing[id], now < until { return .missing }
            guard state.lookups.count < Self.mostLookups else { return .busy }
            // A task: nothing of it runs under the lock.
            let lookup = start()
            state.lookups[id] = lookup
            return .under(lookup)
        }
    }

    /// A question has its answer.
    ///
    /// - Parameters:
    ///   - id: the recording.
    ///   - wasFound: whether it is there; `nil` when the store did not say.
    ///   - now: the time.
    func end(_ id: RecordingID, wasFound: Bool?, now: NIODeadline) {
        state.withLock { state in
            state.lookups[id] = nil
            guard wasFound == false else { return }
            if state.missing.count >= Self.mostMissing { state.missing = state.missing.filter { $0.value > now } }
            guard state.missing.count < Self.mostMissing else { return }
            state.missing[id] = now + Self.memory
        }
    }
}
