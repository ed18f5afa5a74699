/// Why something could not be done with an object store.
public enum ObjectStoreFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// There is no such object.
    case notFound(ObjectKey)
    /// The store said no, and would again.
    case refused(String)
    /// The store did not answer, or not with an answer, however often it was asked.
    case unavailable(String)
    /// The store answered what makes no sense.
    case misunderstood(String)
    /// The disk of this machine failed.
    case disk(StorageFailure)
    /// Nobody wanted the result any more.
    case cancelled

    /// What is wrong, for an operator.
    public var description: String {
        switch self {
        case .notFound(let key): "the store has no \(key)"
        case .refused(let words): "the store refuses: \(words)"
        case .unavailable(let words): "the store is not available: \(words)"
        case .misunderstood(let words): "the store's answer makes no sense: \(words)"
        case .disk(let failure): "\(failure)"
        case .cancelled: "cancelled"
        }
    }
}
