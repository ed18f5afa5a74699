/// Why a peer's first bytes are not the beginning of RTMP.
enum RTMPHandshakeError: Error, Hashable, CustomStringConvertible {
    /// C0 asks for RTMPE, the encrypted variant whose keys have been public since 2009.
    case encryptedRTMP(version: UInt8)
    /// The first byte of a TLS handshake record (RFC 8446 §5.1).
    case tls
    /// The first letter of an HTTP request line.
    case http
    /// Any other version (RTMP 1.0 §5.2.2).
    case unsupportedVersion(UInt8)

    /// The error for a C0 that is not 3.
    init(firstByte: UInt8) {
        switch firstByte {
        case 6, 8: self = .encryptedRTMP(version: firstByte)
        case 0x16: self = .tls
        // GET, POST, PUT, PATCH, HEAD, OPTIONS, DELETE, CONNECT, TRACE: §5.2.2 keeps 32 to 255 free for telling text apart.
        case UInt8(ascii: "G"), UInt8(ascii: "P"), UInt8(ascii: "H"), UInt8(ascii: "O"), UInt8(ascii: "D"),
            UInt8(ascii: "C"), UInt8(ascii: "T"):
            self = .http
        default: self = .unsupportedVersion(firstByte)
        }
    }

    var description: String {
        switch self {
        case .encryptedRTMP(let version):
            "the peer speaks encrypted RTMP (rtmpe, version \(version)), this port takes plain RTMP (rtmp://, version 3)"
        case .tls: "the peer speaks TLS (rtmps or https), this port takes plain RTMP (rtmp://)"
        case .http: "the peer speaks HTTP, this port takes RTMP from encoders; viewers use the HTTP port"
        case .unsupportedVersion(let version): "the peer's first byte is \(version), RTMP begins with version 3"
        }
    }
}
