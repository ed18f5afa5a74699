public import NIOCore
internal import Synchronization

/// Some lines of a media playlist, in one piece.
///
/// A playlist of hours has thousands of segments, of which each version says the same as the one before it. So the lines of
/// older segments are written once, in pieces that all later versions share; and what a reader derives from a piece (its
/// compressed form, its form for encrypted media) is kept beside it.
public final class PlaylistText: Sendable {
    /// What the lines are about.
    public enum Role: Hashable, Sendable {
        /// The whole playlist, up to its first segment.
        case header
        /// Whole segments, the first of them with this Media Sequence Number.
        case segments(first: Int)
        /// What follows the last whole segment, the segment of this Media Sequence Number being the next.
        case outlook(next: Int)
    }

    /// What the lines are about.
    public let role: Role
    /// The lines, each with its end.
    public let bytes: ByteBuffer
    /// Whether later versions of the playlist have them too, so that what is derived from them is worth keeping.
    public let isLasting: Bool

    private struct Derived {
        var bytes: [StoredResource.DerivedForm: ByteBuffer] = [:]
        var texts: [StoredResource.DerivedForm: PlaylistText] = [:]
    }

    private let derived = Mutex(Derived())

    /// Some lines.
    public init(_ role: Role, _ bytes: ByteBuffer, isLasting: Bool = false) {
        self.role = role
        self.bytes = bytes
        self.isLasting = isLasting
    }

    /// The bytes that `derive` makes of the lines, kept when these are lasting.
    ///
    /// Nothing runs under the lock: two readers at the same moment may both derive.
    public func derived(
        _ form: StoredResource.DerivedForm,
        _ derive: (ByteBuffer) throws -> ByteBuffer
    ) rethrows -> ByteBuffer {
        guard isLasting else { return try derive(bytes) }
        if let known = derived.withLock({ $0.bytes[form] }) { return known }
        let made = try derive(bytes)
        derived.withLock { $0.bytes[form] = made }
        return made
    }

    /// The same lines as `rewrite` makes them, kept when they are lasting; see ``derived(_:_:)``.
    public func rewritten(
        _ form: StoredResource.DerivedForm,
        _ rewrite: (PlaylistText) -> ByteBuffer
    ) -> PlaylistText {
        guard isLasting else { return PlaylistText(role, rewrite(self)) }
        if let known = derived.withLock({ $0.texts[form] }) { return known }
        let made = PlaylistText(role, rewrite(self), isLasting: true)
        derived.withLock { $0.texts[form] = made }
        return made
    }
}
