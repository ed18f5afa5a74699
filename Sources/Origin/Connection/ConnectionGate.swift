import NIOCore
internal import Synchronization

/// Counts the open connections and says whether one more may come.
struct ConnectionCensus {
    /// Why a connection is refused.
    enum Refusal: String, Error {
        case full = "too many connections"
        case addressFull = "too many connections of one address"
    }

    /// Open connections in all.
    private(set) var count = 0
    private var perAddress: [String: Int] = [:]
    private let limits: OriginLimits

    /// Nobody yet.
    init(limits: OriginLimits) { self.limits = limits }

    /// Counts a connection in.
    ///
    /// - Parameter address: the peer's IP address; `nil` when it has none, as on a Unix socket.
    /// - Throws: the reason, when there is no room.
    mutating func admit(_ address: String?) throws(Refusal) {
        guard count < limits.connections else { throw .full }
        if let address, !Self.isLoopback(address) {
            let open = perAddress[address, default: 0]
            guard open < limits.connectionsPerAddress else { throw .addressFull }
            perAddress[address] = open + 1
        }
        count += 1
    }

    /// Counts a connection out that was admitted.
    mutating func release(_ address: String?) {
        count -= 1
        guard let address, let open = perAddress[address] else { return }
        perAddress[address] = open > 1 ? open - 1 : nil
    }

    private static func isLoopback(_ address: String) -> Bool {
        address == "::1" || address.utf8.starts(with: "127.".utf8) || address.utf8.starts(with: "::ffff:127.".utf8)
    }
}

/// The connections of an origin, on all its event loops.
final class ConnectionGate: Sendable {
    private struct State {
        var census: ConnectionCensus
        var channels: [ObjectIdentifier: any Channel] = [:]
        var observer: (@Sendable () -> Void)?
        /// When a connection has closed last.
        var lastDeparture: NIODeadline?
    }

    private let state: Mutex<State>
    private let draining = Atomic(false)

    init(limits: OriginLimits) {
        state = Mutex(State(census: ConnectionCensus(limits: limits)))
    }

    /// Whether connections are to end with their next response.
    var isDraining: Bool { draining.load(ordering: .relaxed) }

    /// How many connections are open.
    var count: Int { state.withLock { $0.census.count } }

    /// Whether a connection was open at any time since a moment.
    func hasHadConnections(since moment: NIODeadline) -> Bool {
        state.withLock { $0.census.count > 0 || $0.lastDeparture.map { $0 >= moment } ?? false }
    }

    /// The open connections.
    var channels: [any Channel] { state.withLock { Array($0.channels.values) } }

    /// Counts a connection in, until it closes.
    func admit(_ channel: any Channel) throws(ConnectionCensus.Refusal) {
        let address = channel.remoteAddress?.ipAddress
        let id = ObjectIdentifier(channel)
        let result = state.withLock { state -> Result<Void, ConnectionCensus.Refusal> in
            do throws(ConnectionCensus.Refusal) {
                try state.census.admit(address)
            } catch {
                return .failure(error)
            }
            state.channels[id] = channel
            return .success(())
        }
        try result.get()
        notify()
        channel.closeFuture.whenComplete { _ in
            self.state.withLock { state in
                state.census.release(address)
                state.channels[id] = nil
                state.lastDeparture = .now()
            }
            self.notify()
        }
    }

    /// From now on connections end with their next response, and `observer` is called after every change of their
    /// number, from any thread, and once now.
    func drain(_ observer: @escaping @Sendable () -> Void) {
        draining.store(true, ordering: .relaxed)
        state.withLock { $0.observer = observer }
        notify()
    }

    private func notify() {
        state.withLock { $0.observer }?()
    }
}
