/// The statements that a connection has prepared; those not used for the longest time make room.
struct StatementCache {
    struct Key: Hashable {
        let text: String
        let types: [UInt32]
    }

    private struct Entry {
        let name: String
        var lastUse: UInt64
    }

    let capacity: Int
    private var entries: [Key: Entry] = [:]
    private var uses: UInt64 = 0
    private var names: UInt64 = 0

    init(capacity: Int) { self.capacity = max(1, capacity) }

    var count: Int { entries.count }

    /// The name of a statement that is prepared.
    mutating func name(of key: Key) -> String? {
        uses += 1
        entries[key]?.lastUse = uses
        return entries[key]?.name
    }

    /// A name that no statement of this connection has had.
    mutating func nextName() -> String {
        names += 1
        return "lyceum_\(names)"
    }

    /// Remembers a statement.
    ///
    /// - Returns: the name of another one that has to go.
    mutating func insert(_ key: Key, name: String) -> String? {
        uses += 1
        var victim: String?
        if entries.count >= capacity, entries[key] == nil,
            let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse })
        {
            victim = oldest.value.name
            entries[oldest.key] = nil
        }
        entries[key] = Entry(name: name, lastUse: uses)
        return victim
    }

    /// Forgets a statement that the server does not have any more.
    mutating func remove(_ key: Key) { entries[key] = nil }

    /// Forgets all.
    mutating func removeAll() { entries = [:] }
}
