public import MediaCore
public import NIOCore

/// Where an S3 store is, and how it is spoken to.
public struct S3Configuration: Sendable {
    /// How a bucket is named in addresses.
    public enum Addressing: String, Sendable {
        /// `https://HOST/BUCKET/KEY`: every server that can be reached takes it, but Amazon's newer regions may not.
        case path
        /// `https://BUCKET.HOST/KEY`.
        case host
    }

    /// Who asks.
    public struct Credentials: Sendable {
        /// The access key's identifier, which is no secret.
        public var accessKey: String
        /// The access key's secret.
        public var secretKey: Secret
        /// What goes with keys that hold for a while only.
        public var sessionToken: Secret?

        /// Credentials.
        public init(accessKey: String, secretKey: Secret, sessionToken: Secret? = nil) {
            self.accessKey = accessKey
            self.secretKey = secretKey
            self.sessionToken = sessionToken
        }
    }

    /// The server.
    public var endpoint: S3Endpoint
    /// The region, as the server names it.
    public var region: String
    /// The bucket.
    public var bucket: String
    /// What all names in the bucket begin with: empty, or ending with `/`.
    public var prefix = ""
    /// How the bucket is named in addresses.
    public var addressing: Addressing
    /// Who asks.
    public var credentials: Credentials
    /// Whether the hash of what is sent is part of the signature.
    ///
    /// Over TLS nobody can change it on the way, and hashing costs a second of a core for each GB.
    public var signsContent: Bool

    /// From how many bytes on something is sent in parts, each of that size: S3 takes 10,000 of 5 MiB to 5 GiB.
    public var partSize = 16 << 20
    /// How long a connection may take.
    public var connectTimeout = TimeAmount.seconds(10)
    /// How long the server may say nothing.
    public var readTimeout = TimeAmount.seconds(30)
    /// How long one request may take, but for its content.
    public var requestTimeout = TimeAmount.seconds(60)
    /// How often something is tried, and what is between.
    public var retries = RetryPolicy()
    /// Addresses of host names that no name server knows.
    public var addresses: [String: String] = [:]

    /// A store.
    ///
    /// - Parameters:
    ///   - endpoint: the server.
    ///   - region: the region.
    ///   - bucket: the bucket.
    ///   - addressing: how the bucket is named in addresses.
    ///   - credentials: who asks.
    public init(
        endpoint: S3Endpoint,
        region: String,
        bucket: String,
        addressing: Addressing,
        credentials: Credentials
    ) {
        self.endpoint = endpoint
        self.region = region
        self.bucket = bucket
        self.addressing = addressing
        self.credentials = credentials
        signsContent = !endpoint.isSecure
    }
}

/// The address of an S3 server: `https://HOST[:PORT]`.
public struct S3Endpoint: Hashable, Sendable, CustomStringConvertible {
    /// Whether it is spoken to over TLS.
    public let isSecure: Bool
    /// Its host, and its port unless that is the usual one.
    public let authority: String

    /// The address.
    public var description: String { "\(isSecure ? "https" : "http")://\(authority)" }

    /// Reads an address; `nil` for what is none.
    public init?(_ text: String) {
        let schemes = [("https://", true, ":443"), ("http://", false, ":80")]
        guard let (scheme, isSecure, usualPort) = schemes.first(where: { text.lowercased().hasPrefix($0.0) }) else {
            return nil
        }
        var rest = text.dropFirst(scheme.count)
        if rest.last == "/" { rest = rest.dropLast() }
        if rest.hasSuffix(usualPort) { rest = rest.dropLast(usualPort.count) }
        let isAllowed = { (byte: UInt8) in
            byte.isASCIILetterOrDigit
                || [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]")]
                    .contains(byte)
        }
        guard !rest.isEmpty, rest.utf8.allSatisfy(isAllowed) else { return nil }
        self.isSecure = isSecure
        authority = rest.lowercased()
    }

    /// Amazon's server of a region.
    public init?(amazonRegion region: String) {
        guard !region.isEmpty, region.utf8.allSatisfy({ $0.isASCIILetterOrDigit || $0 == UInt8(ascii: "-") }) else {
            return nil
        }
        self.init("https://s3.\(region).amazonaws.com")
    }
}

extension UInt8 {
    var isASCIILetterOrDigit: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
