import Cryptography
import MediaCore
import NIOCore
import NIOHTTP1
import Storage

/// A request to an S3 server, before it is signed.
struct S3Request: Sendable {
    /// What is sent with it.
    enum Content: Sendable {
        case none
        case bytes(ByteBuffer)
        /// Some bytes of a file.
        case file(ReadableFile, Range<Int>)

        var byteCount: Int {
            switch self {
            case .none: 0
            case .bytes(let bytes): bytes.readableBytes
            case .file(_, let range): range.count
            }
        }
    }

    var method: HTTPMethod
    /// The object; `nil` for the bucket.
    var key: ObjectKey?
    var query: [(name: String, value: String)] = []
    /// Fields with names in small letters; all are signed.
    var fields: [(name: String, value: String)] = []
    var content = Content.none

    /// An address, and the fields to ask it with.
    struct Signed: Equatable {
        var url: String
        var fields: [(name: String, value: String)]

        static func == (left: Signed, right: Signed) -> Bool {
            left.url == right.url && left.fields.elementsEqual(right.fields, by: ==)
        }
    }

    /// The address and the signature for a time.
    ///
    /// - Parameters:
    ///   - configuration: where the store is, and who asks.
    ///   - payloadHash: the hash of the content in hexadecimal digits, or what stands for it.
    ///   - time: the time of day, in seconds since 1970.
    /// - Returns: what is sent.
    func signed(for configuration: S3Configuration, payloadHash: String, time: Int64) -> Signed {
        let isInHost = configuration.addressing == .host
        let host =
            isInHost ? "\(configuration.bucket).\(configuration.endpoint.authority)" : configuration.endpoint.authority
        let names = (isInHost ? [] : [configuration.bucket]) + (key.map { [configuration.prefix + $0.text] } ?? [])
        let path = "/" + names.map { SignatureV4.encoded($0, keepsSlashes: true) }.joined(separator: "/")
        var fields = fields
        fields.append(("host", host))
        fields.append(("x-amz-date", SignatureV4.timestamp(time)))
        fields.append(("x-amz-content-sha256", payloadHash))
        if let token = configuration.credentials.sessionToken {
            fields.append(("x-amz-security-token", token.revealed))
        }
        let signer = SignatureV4(
            accessKey: configuration.credentials.accessKey,
            secretKey: configuration.credentials.secretKey,
            region: configuration.region
        )
        let request = SignatureV4.Request(
            method: method.rawValue,
            path: path,
            query: query,
            fields: fields,
            payloadHash: payloadHash
        )
        fields.append(("authorization", signer.authorization(request, time: time)))
        let parameters = query.isEmpty ? "" : "?\(SignatureV4.queryString(query))"
        let scheme = configuration.endpoint.isSecure ? "https" : "http"
        return Signed(url: "\(scheme)://\(host)\(path)\(parameters)", fields: fields)
    }
}

extension S3Request.Content {
    /// How much is hashed and sent at once.
    static let chunkSize = 256 << 10

    /// The hash that goes into the signature.
    ///
    /// Blocks where the content is in a file.
    func hash() throws(StorageFailure) -> String {
        switch self {
        case .none: return SignatureV4.emptyPayload
        case .bytes(let bytes):
            var hasher = SHA256Hasher()
            bytes.withUnsafeReadableBytes { hasher.update($0) }
            return Hexadecimal.text(hasher.finish())
        case .file(let file, let range):
            var hasher = SHA256Hasher()
            for offset in stride(from: range.lowerBound, to: range.upperBound, by: Self.chunkSize) {
                let bytes = try file.read(min(Self.chunkSize, range.upperBound - offset), at: offset)
                bytes.withUnsafeReadableBytes { hasher.update($0) }
            }
            return Hexadecimal.text(hasher.finish())
        }
    }
}
