import Foundation
import Logging
import NIOCore
import NIOHTTP1
public import Storage

extension S3ObjectStore {
    /// The most parts of an object (S3's limit).
    private static let mostParts = 10_000

    /// Sends a file in parts, one behind the other; each is sent again by itself.
    ///
    /// What was sent of a file that does not get there as a whole is removed.
    func putParts(
        of file: ReadableFile,
        _ byteCount: Int,
        as key: ObjectKey,
        contentType: String,
        progress: (Int) -> Void
    ) async throws(ObjectStoreFailure) {
        let upload = try await beginUpload(of: key, contentType: contentType)
        do throws(ObjectStoreFailure) {
            var tags: [String] = []
            for range in partRanges(byteCount) {
                tags.append(try await putPart(tags.count + 1, file, range, of: key, upload))
                progress(range.count)
            }
            try await complete(upload, of: key, tags, byteCount)
        } catch {
            await abandon(upload, of: key)
            throw error
        }
    }

    /// Parts of equal length, larger than configured where there would be too many of them.
    func partRanges(_ byteCount: Int) -> [Range<Int>] {
        let size = max(client.configuration.partSize, (byteCount + Self.mostParts - 1) / Self.mostParts)
        return stride(from: 0, to: byteCount, by: size).map { $0..<min(byteCount, $0 + size) }
    }

    private func beginUpload(of key: ObjectKey, contentType: String) async throws(ObjectStoreFailure) -> String {
        let fields = [("content-type", contentType)]
        let response = try await client.send(
            S3Request(method: .POST, key: key, query: [("uploads", "")], fields: fields)
        )
        guard let id = XMLReader.root(of: response.body)?.text(of: "UploadId"), !id.isEmpty else {
            throw .misunderstood("an upload without an identifier")
        }
        return id
    }

    private func putPart(
        _ number: Int,
        _ file: ReadableFile,
        _ range: Range<Int>,
        of key: ObjectKey,
        _ upload: String
    ) async throws(ObjectStoreFailure) -> String {
        let query = [("partNumber", "\(number)"), ("uploadId", upload)]
        let response = try await client.send(
            S3Request(method: .PUT, key: key, query: query, content: .file(file, range))
        )
        guard let tag = response.fields.first(name: "etag"), !tag.isEmpty else {
            throw .misunderstood("a part without an ETag")
        }
        return tag
    }

    private func complete(
        _ upload: String,
        of key: ObjectKey,
        _ tags: [String],
        _ byteCount: Int
    ) async throws(ObjectStoreFailure) {
        let parts = tags.enumerated().map { number, tag in
            "<Part><PartNumber>\(number + 1)</PartNumber><ETag>\(XMLElement.escaped(tag))</ETag></Part>"
        }
        let document = "<CompleteMultipartUpload>\(parts.joined())</CompleteMultipartUpload>"
        var request = S3Request(method: .POST, key: key, query: [("uploadId", upload)])
        request.fields = [("content-type", "application/xml")]
        request.content = .bytes(ByteBuffer(string: document))
        do throws(ObjectStoreFailure) {
            _ = try await client.send(request)
        } catch {
            // It was done at the first try, and only the answer was lost: then the upload is not known any more.
            guard case .refused = error, let info = try await info(key), info.byteCount == byteCount else {
                throw error
            }
        }
    }

    /// Removes an upload and its parts, also for a task that was cancelled.
    private func abandon(_ upload: String, of key: ObjectKey) async {
        let outcome = await Task { [client] in
            do throws(ObjectStoreFailure) {
                _ = try await client.send(S3Request(method: .DELETE, key: key, query: [("uploadId", upload)]))
                return ObjectStoreFailure?.none
            } catch {
                return error
            }
        }.value
        switch outcome {
        case nil, .refused?, .notFound?: break
        case let failure?:
            let metadata: Logger.Metadata = ["object.key": "\(key)", "error.type": "\(failure)"]
            logger.notice("parts of an upload stay in the store until they are removed later", metadata: metadata)
        }
    }

    /// Removes uploads that were begun long ago.
    public func removeUnfinished(olderThan seconds: Int) async throws(ObjectStoreFailure) -> Int {
        let limit = Date().addingTimeInterval(-Double(seconds))
        var count = 0
        var markers: [(String, String)] = []
        repeat {
            let query = [("uploads", ""), ("prefix", client.configuration.prefix)] + markers
            let response = try await client.send(S3Request(method: .GET, query: query))
            guard let root = XMLReader.root(of: response.body), root.name == "ListMultipartUploadsResult" else {
                throw .misunderstood("a list of uploads that is none")
            }
            for upload in root.all("Upload") {
                guard let name = upload.text(of: "Key"), let key = key(name), let id = upload.text(of: "UploadId"),
                    let began = upload.text(of: "Initiated").flatMap(Self.date), began <= limit
                else { continue }
                await abandon(id, of: key)
                count += 1
            }
            markers = []
            if root.text(of: "IsTruncated") == "true", let key = root.text(of: "NextKeyMarker"),
                let id = root.text(of: "NextUploadIdMarker"), !key.isEmpty
            {
                markers = [("key-marker", key), ("upload-id-marker", id)]
            }
        } while !markers.isEmpty
        return count
    }

    /// A time such as `2026-01-01T00:00:00.000Z`.
    private static func date(_ text: String) -> Date? {
        let format = Date.ISO8601FormatStyle(includingFractionalSeconds: text.contains("."))
        return try? Date(text, strategy: format)
    }
}
