public import Storage

/// A segment whose bytes lie on disk.
public struct FiledResource: Sendable {
    /// The last component of its path.
    public let name: String
    /// See ``StoredResource/entityTag``.
    public let entityTag: String
    /// Where its bytes are.
    public let bytes: FiledBytes

    /// A segment on disk.
    public init(name: String, entityTag: String, bytes: FiledBytes) {
        self.name = name
        self.entityTag = entityTag
        self.bytes = bytes
    }
}
