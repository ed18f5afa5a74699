internal import Glibc

/// Why something could not be done with a file.
public indirect enum StorageFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// A system call failed with this `errno`.
    case system(operation: String, path: String, code: Int32)
    /// The file ends before bytes that were written to it: somebody else has changed it.
    case truncated(path: String, offset: Int)
    /// Bytes were asked for that the slice does not have.
    case outOfBounds(Range<Int>, length: Int)
    /// The bytes are in a store, which failed.
    case store(ObjectStoreFailure)

    /// What is wrong, for an operator.
    public var description: String {
        switch self {
        case .system(let operation, let path, let code): "\(operation) \(path): \(String(cString: strerror(code)))"
        case .truncated(let path, let offset): "read \(path): the file ends before byte \(offset)"
        case .outOfBounds(let range, let length): "bytes \(range) of a slice of \(length)"
        case .store(let failure): "\(failure)"
        }
    }

    /// The failure of the system call that has just returned.
    public static func last(_ operation: String, _ path: String) -> StorageFailure {
        .system(operation: operation, path: path, code: errno)
    }
}
