public import Storage

/// A finished segment that lies on disk, under the name and the tag that it had in memory.
public struct FiledResource: Sendable {
    /// The last component of its path.
    public let name: String
    /// Identifies this content among all that were ever served under the same path: an opaque-tag without its quotes
    /// (RFC 9110 §8.8.3).
    public let entityTag: String
    /// Where its bytes are; it can be read as soon as they are written.
    public let bytes: FiledBytes

    /// A segment that was appended to a log.
    public init(name: String, entityTag: String, bytes: FiledBytes) {
        self.name = name
        self.entityTag = entityTag
        self.bytes = bytes
    }
}
