internal import COpenSSL

/// Encrypts with AES of 128 bits in cipher block chaining mode, padded as PKCS #7 says (FIPS 197, RFC 5652 §6.3).
///
/// ```swift
/// var encryptor = AES128CBC(key: key, initializationVector: vector)
/// encryptor.update(bytes, into: room)
/// encryptor.finish(into: room)
/// ```
public struct AES128CBC: ~Copyable {
    /// The size of a key, of an initialization vector and of a block, in bytes.
    public static let size = 16

    private let context: OpaquePointer

    /// An encryptor for one message.
    ///
    /// - Parameters:
    ///   - key: 16 bytes.
    ///   - initializationVector: 16 bytes.
    public init(key: [UInt8], initializationVector: [UInt8]) {
        precondition(key.count == Self.size && initializationVector.count == Self.size, "AES-128 wants 16 bytes")
        guard let context = EVP_CIPHER_CTX_new(),
            EVP_EncryptInit_ex(context, EVP_aes_128_cbc(), nil, key, initializationVector) == 1
        else { preconditionFailure("libcrypto has no AES-128-CBC") }
        self.context = context
    }

    deinit { EVP_CIPHER_CTX_free(context) }

    /// Encrypts some more of the message.
    ///
    /// - Parameters:
    ///   - bytes: what comes next.
    ///   - room: where it goes; a block more than the bytes.
    /// - Returns: how many bytes were written.
    public mutating func update(_ bytes: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> Int {
        precondition(room.count >= bytes.count + Self.size, "no room")
        guard let source = bytes.baseAddress, let target = room.baseAddress, let size = Int32(exactly: bytes.count)
        else {
            return 0
        }
        var written: Int32 = 0
        let result = EVP_EncryptUpdate(
            context,
            target.assumingMemoryBound(to: UInt8.self),
            &written,
            source.assumingMemoryBound(to: UInt8.self),
            size
        )
        precondition(result == 1, "libcrypto cannot encrypt")
        return Int(written)
    }

    /// Ends the message.
    ///
    /// - Parameter room: where the last block goes; a block.
    /// - Returns: how many bytes were written: 16.
    public mutating func finish(into room: UnsafeMutableRawBufferPointer) -> Int {
        precondition(room.count >= Self.size, "no room")
        guard let target = room.baseAddress else { return 0 }
        var written: Int32 = 0
        let result = EVP_EncryptFinal_ex(context, target.assumingMemoryBound(to: UInt8.self), &written)
        precondition(result == 1, "libcrypto cannot encrypt")
        return Int(written)
    }
}
