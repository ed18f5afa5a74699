/// A connection's number in this process: what the registry and the table of connections know it by.
struct ConnectionID: Hashable, Sendable {
    let number: UInt64
}
