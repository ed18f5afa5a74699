import Cryptography
import MediaCore

/// The signature of a request to Amazon's services and those that are like them: AWS Signature Version 4, in a header field.
///
/// Pure: the time comes from the caller. Names are those of Amazon's description ("Signature Calculations for the Authorization
/// Header", API version 2006-03-01).
struct SignatureV4 {
    /// The hash of no bytes.
    static let emptyPayload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    /// Stands for a hash where the content is not part of the signature.
    static let unsignedPayload = "UNSIGNED-PAYLOAD"

    let accessKey: String
    let secretKey: Secret
    let region: String
    var service = "s3"

    /// What is signed of a request.
    struct Request {
        var method: String
        /// The path, encoded as it is sent.
        var path: String
        /// The parameters, not encoded.
        var query: [(name: String, value: String)] = []
        /// The fields that are signed, with names in small letters; `host` among them.
        var fields: [(name: String, value: String)]
        /// The hash of the content in hexadecimal digits, or ``unsignedPayload``.
        var payloadHash: String
    }

    /// The value of the field Authorization.
    ///
    /// - Parameters:
    ///   - request: what is signed; `x-amz-date` with the same time is among its fields.
    ///   - time: the time of day, in seconds since 1970.
    /// - Returns: the value.
    func authorization(_ request: Request, time: Int64) -> String {
        let fields = Self.signedFields(request)
        let scope = scope(time)
        return """
            AWS4-HMAC-SHA256 Credential=\(accessKey)/\(scope),SignedHeaders=\(fields),\
            Signature=\(Hexadecimal.text(signature(of: stringToSign(request, time: time), time: time)))
            """
    }

    /// The canonical request.
    static func canonicalRequest(_ request: Request) -> String {
        let fields = sorted(request.fields).map { "\($0.name):\(trimmed($0.value))\n" }.joined()
        return """
            \(request.method)
            \(request.path)
            \(queryString(request.query))
            \(fields)
            \(signedFields(request))
            \(request.payloadHash)
            """
    }

    func stringToSign(_ request: Request, time: Int64) -> String {
        let hash = SHA256.digest(of: Array(Self.canonicalRequest(request).utf8))
        return "AWS4-HMAC-SHA256\n\(Self.timestamp(time))\n\(scope(time))\n\(Hexadecimal.text(hash))"
    }

    private func scope(_ time: Int64) -> String {
        "\(Self.timestamp(time).prefix(8))/\(region)/\(service)/aws4_request"
    }

    private func signature(of text: String, time: Int64) -> [UInt8] {
        let parts = [String(Self.timestamp(time).prefix(8)), region, service, "aws4_request", text]
        return parts.reduce(Array("AWS4\(secretKey.revealed)".utf8)) { key, part in
            HMACSHA256.authenticationCode(for: Array(part.utf8), key: key)
        }
    }

    private static func signedFields(_ request: Request) -> String {
        sorted(request.fields).map(\.name).joined(separator: ";")
    }

    private static func sorted(_ pairs: [(name: String, value: String)]) -> [(name: String, value: String)] {
        pairs.sorted { left, right in
            left.name == right.name
                ? left.value.utf8.lexicographicallyPrecedes(right.value.utf8)
                : left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
        }
    }

    /// Without spaces at the ends, and one space for several inside.
    private static func trimmed(_ value: String) -> String {
        value.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
    }

    // MARK: - Text

    /// The parameters as they are signed and sent.
    static func queryString(_ query: [(name: String, value: String)]) -> String {
        sorted(query.map { (encoded($0.name), encoded($0.value)) }).map { "\($0.name)=\($0.value)" }.joined(
            separator: "&"
        )
    }

    /// A text in which all but unreserved characters (RFC 3986 §2.3) are `%XX`.
    static func encoded(_ text: String, keepsSlashes: Bool = false) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): bytes.append(byte)
            case UInt8(ascii: "/") where keepsSlashes: bytes.append(byte)
            case _ where byte.isASCIILetterOrDigit: bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A time as `20130524T000000Z`.
    static func timestamp(_ time: Int64) -> String {
        // Of 2013-05-24T00:00:00.000Z, but for what is between.
        "\(WallClockTime(milliseconds: time * 1000))".prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
    }
}
