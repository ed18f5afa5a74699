internal import COpenSSL

/// Seals secrets that rest in a database with AES of 256 bits in Galois/Counter mode (NIST SP 800-38D).
///
/// A sealed box is the nonce (12 bytes), the ciphertext (as long as the message) and the tag (16 bytes).
public enum AES256GCM {
    /// The size of a key in bytes.
    public static let keySize = 32
    /// The size of a nonce in bytes (SP 800-38D §5.2.1.1: 96 bits are advised).
    public static let nonceSize = 12
    /// The size of a tag in bytes.
    public static let tagSize = 16

    /// Encrypts a message under a fresh nonce.
    ///
    /// - Parameters:
    ///   - message: the secret.
    ///   - key: 32 bytes; not for more than 2^32 messages, as the nonces are random (SP 800-38D §8.3).
    ///   - context: bytes that are authenticated, not encrypted: what the secret belongs to, so that a box moved to
    ///     another row does not open.
    /// - Returns: nonce, ciphertext and tag.
    public static func seal(_ message: [UInt8], key: [UInt8], context: [UInt8]) -> [UInt8] {
        seal(message, key: key, nonce: Randomness.bytes(nonceSize), context: context)
    }

    /// Encrypts a message under a nonce that must never have been used with the key; for the tests' vectors.
    static func seal(_ message: [UInt8], key: [UInt8], nonce: [UInt8], context: [UInt8]) -> [UInt8] {
        precondition(key.count == keySize && nonce.count == nonceSize, "a key of 32 bytes and a nonce of 12")
        guard let cipher = EVP_CIPHER_CTX_new() else { preconditionFailure("libcrypto has no memory") }
        defer { EVP_CIPHER_CTX_free(cipher) }
        var text = [UInt8](repeating: 0, count: message.count)
        var tag = [UInt8](repeating: 0, count: tagSize)
        var written: Int32 = 0
        let done =
            EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), nil, key, nonce) == 1
            && EVP_EncryptUpdate(cipher, nil, &written, context, Int32(context.count)) == 1
            && EVP_EncryptUpdate(cipher, &text, &written, message, Int32(message.count)) == 1
            && EVP_EncryptFinal_ex(cipher, nil, &written) == 1
            && EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, Int32(tagSize), &tag) == 1
        precondition(done, "libcrypto cannot encrypt")
        return nonce + text + tag
    }

    /// Decrypts a sealed box.
    ///
    /// - Returns: the message, or `nil` when box, key or context are not those it was sealed with.
    public static func open(_ box: [UInt8], key: [UInt8], context: [UInt8]) -> [UInt8]? {
        precondition(key.count == keySize, "a key of 32 bytes")
        guard box.count >= nonceSize + tagSize, let cipher = EVP_CIPHER_CTX_new() else { return nil }
        defer { EVP_CIPHER_CTX_free(cipher) }
        let nonce = Array(box.prefix(nonceSize))
        let text = Array(box.dropFirst(nonceSize).dropLast(tagSize))
        var tag = Array(box.suffix(tagSize))
        var message = [UInt8](repeating: 0, count: text.count)
        var written: Int32 = 0
        let done =
            EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), nil, key, nonce) == 1
            && EVP_DecryptUpdate(cipher, nil, &written, context, Int32(context.count)) == 1
            && EVP_DecryptUpdate(cipher, &message, &written, text, Int32(text.count)) == 1
            && EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, Int32(tagSize), &tag) == 1
            && EVP_DecryptFinal_ex(cipher, nil, &written) == 1
        return done ? message : nil
    }
}
