import Cryptography
public import Foundation
public import Logging
import MediaCore
public import NIOCore
import NIOHTTP1
public import Storage

/// A store in a bucket of a server with the S3 interface: Amazon's, or one of the many that are like it.
///
/// Requests are signed (``SignatureV4``), and sent again a few times when the server does not answer or says that it cannot now.
/// What is larger than ``S3Configuration/partSize`` is sent in parts.
public final class S3ObjectStore: ObjectStore {
    /// As many names as one request takes.
    private static let mostNames = 1000

    let client: S3Client
    let logger: Logger
    private var configuration: S3Configuration { client.configuration }

    /// A store; nothing is asked of the server yet.
    ///
    /// - Parameters:
    ///   - configuration: where it is, and how it is spoken to.
    ///   - group: the event loops to run on.
    ///   - now: the time of day, in seconds since 1970.
    ///   - logger: told of what is tried again.
    public init(
        _ configuration: S3Configuration,
        group: any EventLoopGroup,
        now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) },
        logger: Logger
    ) {
        var quiet = logger
        // The HTTP client names every connection at debug.
        if quiet.logLevel < .info { quiet.logLevel = .info }
        client = S3Client(configuration, group: group, now: now, logger: quiet)
        self.logger = logger
    }

    deinit { client.abandon() }

    /// Ends what is under way.
    public func shutDown() async { await client.shutDown() }

    // MARK: - Objects

    /// Sends the bytes with one request, or in parts.
    public func put(
        _ content: ObjectContent,
        as key: ObjectKey,
        contentType: String,
        progress: @Sendable (Int) -> Void
    ) async throws(ObjectStoreFailure) {
        let (file, byteCount) = try Self.open(content)
        if let file, byteCount > configuration.partSize {
            return try await putParts(of: file, byteCount, as: key, contentType: contentType, progress: progress)
        }
        var request = S3Request(method: .PUT, key: key, fields: [("content-type", contentType)])
        if let file, byteCount > 0 { request.content = .file(file, 0..<byteCount) }
        if case .bytes(let bytes) = content, byteCount > 0 { request.content = .bytes(bytes) }
        _ = try await client.send(request)
        progress(byteCount)
    }

    private static func open(_ content: ObjectContent) throws(ObjectStoreFailure) -> (ReadableFile?, Int) {
        switch content {
        case .bytes(let bytes): return (nil, bytes.readableBytes)
        case .file(let path):
            do throws(StorageFailure) {
                let file = try ReadableFile(path)
                return (file, try file.byteCount())
            } catch {
                throw .disk(error)
            }
        }
    }

    /// Streams the bytes over as many connections as it takes.
    public func read(
        _ key: ObjectKey,
        _ range: Range<Int>,
        _ receive: (ByteBuffer) async throws(ObjectStoreFailure) -> Void
    ) async throws(ObjectStoreFailure) {
        try await client.read(key, range, receive)
    }

    /// Asks with HEAD.
    public func info(_ key: ObjectKey) async throws(ObjectStoreFailure) -> ObjectInfo? {
        do throws(ObjectStoreFailure) {
            let response = try await client.send(S3Request(method: .HEAD, key: key))
            guard let length = response.fields.first(name: "content-length"), let byteCount = Int(length),
                byteCount >= 0
            else { throw .misunderstood("no length of \(key)") }
            return ObjectInfo(key: key, byteCount: byteCount, tag: response.fields.first(name: "etag") ?? "")
        } catch .notFound {
            return nil
        }
    }

    /// Has the server copy it: up to 5 GB (CopyObject).
    public func copy(_ key: ObjectKey, to other: ObjectKey) async throws(ObjectStoreFailure) {
        let source = SignatureV4.encoded("/\(configuration.bucket)/\(configuration.prefix)\(key)", keepsSlashes: true)
        do throws(ObjectStoreFailure) {
            _ = try await client.send(S3Request(method: .PUT, key: other, fields: [("x-amz-copy-source", source)]))
        } catch .notFound {
            throw .notFound(key)
        }
    }

    // MARK: - Lists

    /// Asks with ListObjectsV2.
    public func list(
        prefix: String,
        isFlat: Bool,
        after next: String?,
        limit: Int
    ) async throws(ObjectStoreFailure) -> ObjectPage {
        var query = [("list-type", "2"), ("prefix", configuration.prefix + prefix)]
        query.append(("max-keys", "\(max(1, min(Self.mostNames, limit)))"))
        if !isFlat { query.append(("delimiter", "/")) }
        if let next { query.append(("continuation-token", next)) }
        let response = try await client.send(S3Request(method: .GET, query: query))
        guard let root = XMLReader.root(of: response.body), root.name == "ListBucketResult" else {
            throw .misunderstood("a list that is none")
        }
        var page = ObjectPage()
        for element in root.all("Contents") {
            guard let name = element.text(of: "Key"), let size = element.text(of: "Size").flatMap({ Int($0) }),
                size >= 0
            else { throw .misunderstood("an object without a name or a size in a list") }
            // Somebody else's names, such as those of folders that a web page has made.
            guard let key = self.key(name) else { continue }
            page.objects.append(ObjectInfo(key: key, byteCount: size, tag: element.text(of: "ETag") ?? ""))
        }
        page.folders = root.all("CommonPrefixes").compactMap { $0.text(of: "Prefix").flatMap(withoutPrefix) }
        if root.text(of: "IsTruncated") == "true" {
            guard let token = root.text(of: "NextContinuationToken"), !token.isEmpty, token != next else {
                throw .misunderstood("a list that goes on nowhere")
            }
            page.next = token
        }
        return page
    }

    func key(_ name: String) -> ObjectKey? { withoutPrefix(name).flatMap { ObjectKey($0) } }

    private func withoutPrefix(_ name: String) -> String? {
        guard name.utf8.starts(with: configuration.prefix.utf8) else { return nil }
        return String(Substring(name.utf8.dropFirst(configuration.prefix.utf8.count)))
    }

    // MARK: - Deletion

    /// Asks with DeleteObjects, a thousand at once; one by one where the server does not know that.
    public func delete(_ keys: [ObjectKey]) async throws(ObjectStoreFailure) {
        for start in stride(from: 0, to: keys.count, by: Self.mostNames) {
            let some = Array(keys[start..<min(keys.count, start + Self.mostNames)])
            do throws(ObjectStoreFailure) {
                try await deleteTogether(some)
            } catch .refused(let words) where words.hasPrefix("status 501") || words.hasPrefix("status 405") {
                for key in some { try await deleteAlone(key) }
            }
        }
    }

    private func deleteAlone(_ key: ObjectKey) async throws(ObjectStoreFailure) {
        do throws(ObjectStoreFailure) {
            _ = try await client.send(S3Request(method: .DELETE, key: key))
        } catch .notFound {
            return
        }
    }

    private func deleteTogether(_ keys: [ObjectKey]) async throws(ObjectStoreFailure) {
        guard keys.count > 1 else {
            for key in keys { try await deleteAlone(key) }
            return
        }
        let objects = keys.map { "<Object><Key>\(XMLElement.escaped(configuration.prefix + $0.text))</Key></Object>" }
        let document = Array("<Delete><Quiet>true</Quiet>\(objects.joined())</Delete>".utf8)
        var request = S3Request(method: .POST, query: [("delete", "")], content: .bytes(ByteBuffer(bytes: document)))
        request.fields = [("content-type", "application/xml")]
        // DeleteObjects wants a checksum; MD5 is the one that every server knows.
        if let digest = MD5.digest(of: document) {
            request.fields.append(("content-md5", Data(digest).base64EncodedString()))
        } else {
            request.fields.append(("x-amz-checksum-sha256", Data(SHA256.digest(of: document)).base64EncodedString()))
        }
        let response = try await client.send(request)
        let errors = XMLReader.root(of: response.body)?.all("Error").filter { $0.text(of: "Code") != "NoSuchKey" } ?? []
        guard let first = errors.first else { return }
        let problem = S3Problem(error: first, status: 200)
        throw problem.failure(nil, configuration: configuration, now: 0)
    }
}
