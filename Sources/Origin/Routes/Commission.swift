import NIOCore

/// Something that others make, which takes its time, and what becomes of a request when it is there.
///
/// Unlike a ``Consultation`` it takes none of the disk's threads.
struct Commission<Result: Sendable>: Sendable {
    /// How long a request is held for it.
    let longest: TimeAmount
    /// Has it made; the result is given once, on any thread, also when nobody waits any more.
    let begin: @Sendable (_ receive: @escaping @Sendable (Result) -> Void) -> Void
    /// How the request goes on when that takes too long.
    let expiry: @Sendable () -> Result

    /// The same, with something else made of its result.
    func map<Next: Sendable>(_ transform: @escaping @Sendable (Result) -> Next) -> Commission<Next> {
        let (begin, expiry) = (begin, expiry)
        return Commission<Next>(
            longest: longest,
            begin: { receive in begin { receive(transform($0)) } },
            expiry: { transform(expiry()) }
        )
    }
}
