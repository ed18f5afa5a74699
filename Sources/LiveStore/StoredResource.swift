public import NIOCore
internal import Synchronization

/// A finished piece of a live that readers fetch by name: a segment, an initialization segment or a playlist.
///
/// Written once and shared by every reader; nothing in it changes. What a reader derives from it and every other reader
/// would derive again (a compressed body, a response head) is kept beside it, see ``derived(_:_:)``.
public final class StoredResource: Sendable {
    /// What a resource holds, from which its media type and its cache policy follow.
    public enum Kind: Hashable, Sendable {
        /// A playlist of renditions; changes as the measured bit rates do.
        case multivariantPlaylist
        /// A playlist of segments; changes with every segment.
        case mediaPlaylist
        /// The `ftyp` and `moov` that EXT-X-MAP names. Never changes.
        case initializationSegment
        /// `moof` and `mdat`, one pair for each of its parts. Never changes.
        case mediaSegment
    }

    /// Names a derived form; who derives it declares its names.
    public struct DerivedForm: Hashable, Sendable, CustomStringConvertible {
        private let name: String

        /// Its name.
        public var description: String { name }

        /// A form with a name of its own, at most 15 bytes so that hashing it touches no heap.
        public init(_ name: String) { self.name = name }
    }

    /// What it holds.
    public let kind: Kind
    /// The last component of its path.
    public let name: String
    /// Its bytes, one piece behind the other; a segment shares them with its parts.
    public let pieces: [ByteBuffer]
    /// Its lines, when it is a media playlist: the same as ``pieces``.
    public let texts: [PlaylistText]
    /// How many bytes there are.
    public let byteCount: Int
    /// Identifies this content among all that were ever served under the same path: an opaque-tag without its quotes
    /// (RFC 9110 §8.8.3).
    public let entityTag: String

    private let derivedForms = Mutex<[DerivedForm: ByteBuffer]>([:])
    private let variants = Mutex<[DerivedForm: StoredResource]>([:])

    /// A resource with its bytes in pieces.
    public convenience init(kind: Kind, name: String, pieces: [ByteBuffer], entityTag: String) {
        self.init(kind: kind, name: name, pieces: pieces, texts: [], entityTag: entityTag)
    }

    /// A media playlist with its lines.
    public convenience init(playlist name: String, texts: [PlaylistText], entityTag: String) {
        self.init(
            kind: .mediaPlaylist,
            name: name,
            pieces: texts.map(\.bytes),
            texts: texts,
            entityTag: entityTag
        )
    }

    private init(kind: Kind, name: String, pieces: [ByteBuffer], texts: [PlaylistText], entityTag: String) {
        self.kind = kind
        self.name = name
        self.pieces = pieces
        self.texts = texts
        self.entityTag = entityTag
        byteCount = pieces.reduce(0) { $0 + $1.readableBytes }
    }

    /// A resource with its bytes.
    public convenience init(kind: Kind, name: String, body: ByteBuffer, entityTag: String) {
        self.init(kind: kind, name: name, pieces: [body], entityTag: entityTag)
    }

    /// Its bytes in one buffer.
    ///
    /// - Complexity: O(*n*) in the bytes where there are several pieces.
    public var body: ByteBuffer {
        guard pieces.count != 1 else { return pieces[0] }
        var whole = ByteBufferAllocator().buffer(capacity: byteCount)
        for piece in pieces { whole.writeImmutableBuffer(piece) }
        return whole
    }

    /// The bytes that `derive` makes of this resource, made at most a few times and then shared.
    ///
    /// Two readers that ask at the same moment may both derive; the first result is kept. Nothing runs under the lock.
    public func derived(_ form: DerivedForm, _ derive: (StoredResource) throws -> ByteBuffer) rethrows -> ByteBuffer {
        if let known = derivedForms.withLock({ $0[form] }) { return known }
        let made = try derive(self)
        return derivedForms.withLock { forms in
            if let first = forms[form] { return first }
            forms[form] = made
            return made
        }
    }

    /// What was derived before, if anything was.
    public func known(_ form: DerivedForm) -> ByteBuffer? { derivedForms.withLock { $0[form] } }

    /// The resource that `make` makes of this one, made at most a few times and then kept beside it.
    ///
    /// See ``derived(_:_:)``.
    public func variant<Failure: Error>(
        _ form: DerivedForm,
        _ make: (StoredResource) throws(Failure) -> StoredResource
    ) throws(Failure) -> StoredResource {
        if let known = variants.withLock({ $0[form] }) { return known }
        let made = try make(self)
        return variants.withLock { variants in
            if let first = variants[form] { return first }
            variants[form] = made
            return made
        }
    }

    /// The media playlist with each of its texts rewritten; made at most a few times and then kept beside this one.
    ///
    /// - Parameters:
    ///   - form: what the rewritten playlist is called.
    ///   - rewrite: makes the lines of a text anew, without knowing those of the others.
    /// - Returns: the rewritten playlist.
    public func rewritten(_ form: DerivedForm, _ rewrite: (PlaylistText) -> ByteBuffer) -> StoredResource {
        variant(form) { $0.rewriting(form, rewrite) }
    }

    /// The same, but only the texts that later versions of the playlist have too are kept.
    public func rewriting(_ form: DerivedForm, _ rewrite: (PlaylistText) -> ByteBuffer) -> StoredResource {
        StoredResource(
            playlist: name,
            texts: texts.map { $0.rewritten(form, rewrite) },
            entityTag: "\(entityTag)-\(form)"
        )
    }
}
