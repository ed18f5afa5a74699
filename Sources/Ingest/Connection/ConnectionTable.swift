import NIOCore
import Synchronization

/// The connections that are open, counted against the limits and told when the server stops.
final class ConnectionTable: Sendable {
    /// Why a connection is not taken.
    enum Refusal: Hashable, CustomStringConvertible {
        case tooMany(allowed: Int)
        case tooManyFromAddress(allowed: Int)
        case stopping

        var description: String {
            switch self {
            case .tooMany(let allowed): "the \(allowed) connections allowed are open"
            case .tooManyFromAddress(let allowed): "the \(allowed) connections allowed from one address are open"
            case .stopping: "the server is stopping"
            }
        }
    }

    /// Whether a connection is taken.
    enum Admission: Hashable {
        case admitted(ConnectionID)
        /// `isRepeated`: the one before was refused too, so this needs no line in the log.
        case refused(Refusal, isRepeated: Bool)
    }

    private struct Entry {
        let address: String
        let channel: any Channel
    }

    private struct State {
        var entries: [ConnectionID: Entry] = [:]
        var countOfAddress: [String: Int] = [:]
        var next: UInt64 = 1
        var isRefusing = false
        var isStopping = false
        var emptied: [EventLoopPromise<Void>] = []
    }

    private let state = Mutex(State())
    private let maximum: Int
    private let maximumPerAddress: Int

    /// An empty table.
    init(maximum: Int, maximumPerAddress: Int) {
        self.maximum = maximum
        self.maximumPerAddress = maximumPerAddress
    }

    /// Takes a connection in, unless a limit is reached.
    ///
    /// ``remove(_:)`` must follow when it is gone.
    ///
    /// - Parameters:
    ///   - channel: the connection. Its pipeline gets the event of ``stop(on:telling:)``.
    ///   - address: the peer's, without its port.
    /// - Returns: the connection's number, or why it is refused.
    func admit(_ channel: any Channel, address: String) -> Admission {
        state.withLock { state in
            if let refusal = refusal(of: address, in: state) {
                defer { state.isRefusing = true }
                return .refused(refusal, isRepeated: state.isRefusing)
            }
            let id = ConnectionID(number: state.next)
            state.next += 1
            state.isRefusing = false
            state.countOfAddress[address, default: 0] += 1
            state.entries[id] = Entry(address: address, channel: channel)
            return .admitted(id)
        }
    }

    private func refusal(of address: String, in state: borrowing State) -> Refusal? {
        if state.isStopping { return .stopping }
        if state.entries.count >= maximum { return .tooMany(allowed: maximum) }
        if state.countOfAddress[address, default: 0] >= maximumPerAddress {
            return .tooManyFromAddress(allowed: maximumPerAddress)
        }
        return nil
    }

    /// Lets go of a connection that is gone.
    func remove(_ id: ConnectionID) {
        let emptied = state.withLock { state -> [EventLoopPromise<Void>] in
            guard let entry = state.entries.removeValue(forKey: id) else { return [] }
            let count = state.countOfAddress[entry.address, default: 1] - 1
            state.countOfAddress[entry.address] = count > 0 ? count : nil
            guard state.entries.isEmpty else { return [] }
            defer { state.emptied = [] }
            return state.emptied
        }
        for promise in emptied { promise.succeed() }
    }

    /// Admits nobody from now on and tells every connection why.
    ///
    /// - Parameters:
    ///   - eventLoop: the loop of the answer.
    ///   - event: what each pipeline gets as a user event: `ChannelShouldQuiesceEvent` ends the connections, a
    ///     ``DrainRequest`` lets publishes go on.
    /// - Returns: succeeds when the last connection is gone.
    func stop(on eventLoop: any EventLoop, telling event: any Sendable) -> EventLoopFuture<Void> {
        let emptied = eventLoop.makePromise(of: Void.self)
        let channels = state.withLock { state in
            state.isStopping = true
            if !state.entries.isEmpty { state.emptied.append(emptied) }
            return state.entries.values.map(\.channel)
        }
        if channels.isEmpty { emptied.succeed() }
        for channel in channels { channel.pipeline.fireUserInboundEventTriggered(event) }
        return emptied.futureResult
    }

    /// Closes every connection at once.
    func cut() {
        let channels = state.withLock { $0.entries.values.map(\.channel) }
        for channel in channels { channel.close(promise: nil) }
    }
}

extension ConnectionTable.Refusal: Error {}
