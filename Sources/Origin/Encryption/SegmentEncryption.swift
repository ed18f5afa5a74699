import Cryptography
import LiveStore
import NIOCore

/// Encrypts what viewers are sent with AES-128 (RFC 8216 §4.3.2.4, METHOD=AES-128), when somebody asks for it.
///
/// Segments are encrypted whole, and each part by itself with its segment's key and initialization vector. Initialization
/// segments hold no media and stay as they are. What was encrypted once is kept beside what it was made of.
public struct SegmentEncryption: Sendable {
    /// Where encrypted media is.
    public enum Placement: Hashable, Sendable {
        /// In place of the media as it is.
        case instead
        /// Beside it, one folder deeper: `/live/NAME/aes/`.
        case beside
    }

    /// The folder's name.
    static let folder = "aes"

    /// Where encrypted media is.
    public let placement: Placement
    private let secret: [UInt8]
    /// How long a key is used, in seconds of media.
    private let keySeconds: Int

    /// Encryption with keys that follow from a secret.
    ///
    /// - Parameters:
    ///   - placement: where encrypted media is.
    ///   - secret: at least 16 bytes that nobody can guess; the same as long as a live lasts.
    ///   - keySeconds: how long a key is used, in seconds of media; above zero.
    public init(_ placement: Placement, secret: [UInt8], keySeconds: Int) {
        self.placement = placement
        self.secret = secret
        self.keySeconds = keySeconds
    }

    // MARK: - Keys

    /// The number of the key of a segment.
    func keyNumber(of number: Int, targetDuration: Int) -> Int { number / max(1, keySeconds / max(1, targetDuration)) }

    /// The name of a key, as playlists have it.
    static func keyName(_ number: Int, tag: String) -> String { "\(tag)-\(number).key" }

    /// The key that is asked for by its name.
    ///
    /// - Parameters:
    ///   - name: its name.
    ///   - stream: the live it is asked of.
    /// - Returns: 16 bytes; `nil` when the live has, or needs next, no key of this name.
    func key(named name: String, of stream: LiveStream) -> [UInt8]? {
        let digits = name.dropFirst(stream.tag.count + 1).dropLast(4)
        guard let number = Int(digits), number >= 0, Self.keyName(number, tag: stream.tag) == name else { return nil }
        let snapshot = stream.snapshot
        guard let target = snapshot.targetDuration else { return nil }
        // A key is not given away long before it is used.
        let newest = keyNumber(of: snapshot.window.nextMediaSequenceNumber + 1, targetDuration: target)
        return number <= newest ? key(number, tag: stream.tag) : nil
    }

    private func key(_ number: Int, tag: String) -> [UInt8] {
        let code = HMACSHA256.authenticationCode(for: Array("\(tag)-\(number)".utf8), key: secret)
        return Array(code.prefix(AES128CBC.size))
    }

    // MARK: - Media

    /// The entity tag of what is encrypted, from that of what it is made of; both without quotes.
    static func entityTag(of plain: String) -> String { "\(plain)-aes" }

    /// A segment or a part, encrypted; anything else as it is.
    func encrypted(_ resource: StoredResource, tag: String, targetDuration: Int) -> StoredResource {
        let number: Int
        switch ResourceName(resource.name, tag: tag)?.item {
        case .segment(let segment), .part(let segment, _): number = segment
        case .initialization, nil: return resource
        }
        return resource.variant(.encrypted) { resource in
            let key = key(keyNumber(of: number, targetDuration: targetDuration), tag: tag)
            return StoredResource(
                kind: resource.kind,
                name: resource.name,
                body: Self.encrypt(resource.pieces, key: key, number: number),
                entityTag: Self.entityTag(of: resource.entityTag)
            )
        }
    }

    /// Without IV the Media Sequence Number is the initialization vector (RFC 8216 §5.2), so no two segments share one.
    private static func encrypt(_ pieces: [ByteBuffer], key: [UInt8], number: Int) -> ByteBuffer {
        let vector = withUnsafeBytes(of: UInt64(number).bigEndian) { [UInt8](repeating: 0, count: 8) + $0 }
        var encryptor = AES128CBC(key: key, initializationVector: vector)
        let size = pieces.reduce(0) { $0 + $1.readableBytes }
        var output = ByteBufferAllocator().buffer(capacity: size + 2 * AES128CBC.size)
        for piece in pieces {
            piece.withUnsafeReadableBytes { bytes in
                _ = output.writeWithUnsafeMutableBytes(minimumWritableBytes: bytes.count + AES128CBC.size) { room in
                    encryptor.update(bytes, into: room)
                }
            }
        }
        _ = output.writeWithUnsafeMutableBytes(minimumWritableBytes: AES128CBC.size) { encryptor.finish(into: $0) }
        return output
    }

    // MARK: - Playlists

    /// A media playlist with the keys of what it lists; a multivariant playlist as it is.
    func encrypted(playlist: StoredResource, tag: String, targetDuration: Int) -> StoredResource {
        guard playlist.kind == .mediaPlaylist else { return playlist }
        return playlist.rewritten(.encrypted) { withKeys($0, tag: tag, targetDuration: targetDuration) }
    }

    /// The key that applies to a line (RFC 8216 §4.3.2.4).
    private enum KeyInForce: Equatable {
        /// That depends on the lines of another text.
        case unknown
        case none
        case number(Int)
    }

    /// Puts EXT-X-KEY before the first segment of a text, and wherever the key changes.
    ///
    /// The date is the first line of each segment behind EXT-X-MAP, to which a key would apply as well (§4.3.2.5).
    private func withKeys(_ text: PlaylistText, tag: String, targetDuration: Int) -> ByteBuffer {
        var output = ByteBufferAllocator().buffer(capacity: text.bytes.readableBytes + 128)
        var keyInForce = KeyInForce.unknown
        var number =
            switch text.role {
            case .header: 0
            case .segments(let first): first
            case .outlook(let next): next
            }
        if text.role == .header { keyInForce = .none }
        for line in text.bytes.readableBytesView.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true) {
            if keyInForce != .none, line.starts(with: "#EXT-X-MAP:".utf8) {
                output.writeStaticString("#EXT-X-KEY:METHOD=NONE\n")
                keyInForce = .none
            } else if line.starts(with: "#EXT-X-PROGRAM-DATE-TIME:".utf8) {
                let key = keyNumber(of: number, targetDuration: targetDuration)
                number += 1
                if keyInForce != .number(key) {
                    let name = Self.keyName(key, tag: tag)
                    output.writeString("#EXT-X-KEY:METHOD=AES-128,URI=\"\(name)\"\n")
                    keyInForce = .number(key)
                }
            }
            output.writeBytes(line)
            output.writeStaticString("\n")
        }
        return output
    }
}

extension StoredResource.DerivedForm {
    /// Encrypted with AES-128.
    fileprivate static let encrypted = Self("aes")
}
