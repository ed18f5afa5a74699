import MediaCore
import ObjectStorage
import Recordings
import Storage

/// Where recordings are put that are to leave the disk, or to be served by other servers.
enum RecordingStore: Sendable {
    /// A folder that servers share.
    case folder(String)
    /// A bucket of an S3 server.
    case s3(S3Configuration)

    /// What the settings say; `nil` for no store.
    ///
    /// - Throws: ``ConfigurationError`` with the first setting that is wrong.
    init?(_ reader: ServerConfiguration.Reader) throws {
        let bucket = try reader.value(.s3Bucket) { text in
            text.utf8.count <= 255 && text.utf8.allSatisfy(Self.isOfBucket) ? text : nil
        }
        let hasBucket = !bucket.isEmpty
        let folder = try reader.value(.storeDirectory) { hasBucket && !$0.isEmpty ? nil : $0 }
        let address = try reader.value(.s3Endpoint) { text -> S3Endpoint?? in
            text.isEmpty ? .some(nil) : S3Endpoint(text).map { .some($0) }
        }
        let region = try reader.value(.s3Region) { text in
            address != nil || S3Endpoint(amazonRegion: text) != nil ? text : nil
        }
        let addressing = try reader.value(.s3Addressing) { text in
            text.isEmpty ? (address == nil ? .host : .path) : S3Configuration.Addressing(rawValue: text)
        }
        let prefix = try reader.value(.s3Prefix, Self.prefix)
        let accessKey = try reader.value(.s3AccessKey) { hasBucket && $0.isEmpty ? nil : $0 }
        let secretKey = try reader.value(.s3SecretKey) { hasBucket && $0.isEmpty ? nil : Secret($0) }
        let token = try reader.value(.s3SessionToken) { .some($0.isEmpty ? nil : Secret($0)) }
        guard hasBucket, let endpoint = address ?? S3Endpoint(amazonRegion: region) else {
            guard !folder.isEmpty else { return nil }
            self = .folder(folder)
            return
        }
        var configuration = S3Configuration(
            endpoint: endpoint,
            region: region,
            bucket: bucket,
            addressing: addressing,
            credentials: .init(accessKey: accessKey, secretKey: secretKey, sessionToken: token)
        )
        configuration.prefix = prefix
        self = .s3(configuration)
    }

    private static func isOfBucket(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): true
        default: false
        }
    }

    /// Ending with `/`, and leaving room for the names behind it.
    private static func prefix(_ text: String) -> String? {
        guard !text.isEmpty else { return "" }
        let path = text.last == "/" ? text.dropLast() : text[...]
        guard path.utf8.count <= 256, ObjectKey(path) != nil else { return nil }
        return "\(path)/"
    }
}

extension RetentionPolicy {
    /// What the settings say.
    init(_ reader: ServerConfiguration.Reader) throws {
        self.init(
            days: try reader.value(.recordDays, Self.optionalDays),
            byteCount: try reader.value(.recordBytes) { text in
                text.isEmpty ? .some(nil) : ByteCount.read(text).map { .some($0) }
            },
            freeByteCount: try reader.value(.recordFreeBytes, ByteCount.read),
            localDays: try reader.value(.recordLocalDays, Self.optionalDays)
        )
    }

    private static func optionalDays(_ text: String) -> Double?? {
        guard !text.isEmpty else { return .some(nil) }
        guard let days = Double(text), (0...36_500).contains(days) else { return nil }
        return .some(days)
    }
}

/// Numbers of bytes as people write them.
enum ByteCount {
    /// Reads a number with K, M, G or T behind it for 1024 bytes, and so on; `nil` for anything else.
    static func read(_ text: String) -> Int64? {
        let units = ["K", "M", "G", "T"]
        let power = text.last.flatMap { units.firstIndex(of: $0.uppercased()) }.map { $0 + 1 } ?? 0
        let digits = power > 0 ? text.dropLast() : text[...]
        guard let number = Double(digits), number >= 0, number.isFinite,
            digits.allSatisfy({ $0 == "." || $0.isWholeNumber })
        else {
            return nil
        }
        return Int64(exactly: (number * Double(1 << (10 * power))).rounded())
    }
}
