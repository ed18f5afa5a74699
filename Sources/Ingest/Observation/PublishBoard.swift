import MediaCore
import Synchronization

/// Where each connection pins up how its publish stands, for readers on any thread.
final class PublishBoard: PublishDirectory {
    /// Publishes that have ended are kept up to so many, for whoever asks what went wrong.
    static let maximumEnded = 1000

    private struct Entry {
        var status: PublishStatus
        /// Ends the publish; `nil` when it has ended.
        var end: (@Sendable () -> Void)?
        /// Whose it is: a name's next publish replaces it.
        let owner: ConnectionID
    }

    private let entries = Mutex<[StreamID: Entry]>([:])

    var publishes: [PublishStatus] {
        entries.withLock { $0.values.map(\.status) }.sorted { $0.stream.name < $1.stream.name }
    }

    func publish(of stream: StreamID) -> PublishStatus? { entries.withLock { $0[stream]?.status } }

    func endPublish(of stream: StreamID) -> Bool {
        guard let end = entries.withLock({ $0[stream]?.end }) else { return false }
        end()
        return true
    }

    /// A publish begins.
    func begin(_ status: PublishStatus, of owner: ConnectionID, end: @escaping @Sendable () -> Void) {
        entries.withLock { entries in
            entries[status.stream] = Entry(status: status, end: end, owner: owner)
            Self.makeRoom(in: &entries)
        }
    }

    /// The publish of a connection stands so now.
    func update(_ status: PublishStatus, of owner: ConnectionID) {
        entries.withLock { entries in
            guard entries[status.stream]?.owner == owner else { return }
            entries[status.stream]?.status = status
            if status.end != nil { entries[status.stream]?.end = nil }
        }
    }

    private static func makeRoom(in entries: inout [StreamID: Entry]) {
        let ended = entries.values.compactMap { entry in entry.status.end.map { (entry.status.stream, $0.at) } }
        guard ended.count > maximumEnded, let oldest = ended.min(by: { $0.1 < $1.1 }) else { return }
        entries[oldest.0] = nil
    }
}
