import Foundation
import Logging
import MediaCore
import NIOCore
import NIOHTTP1
import Storage
import Synchronization
import TestSupport
import Testing

@testable import ObjectStorage

/// S3 through connections that fail, and from clients that are set up wrongly, with a server that checks signatures.
@Suite("S3 in trouble", .s3Servers(.seaweedFS))
struct S3FaultTests {
    private var port: Int {
        get throws { try #require(S3Servers.current[.seaweedFS]).port }
    }

    /// A store behind a proxy, which makes a new connection for each try.
    private func withProxy(
        _ faults: [FaultyProxy.Fault],
        _ adjust: (inout S3Configuration) -> Void = { _ in },
        _ body: (S3ObjectStore, FaultyProxy) async throws -> Void
    ) async throws {
        let proxy = try await FaultyProxy(to: try port, faults)
        let store = try S3ObjectStore.make(port: proxy.port, adjust: adjust)
        try await body(store, proxy)
        await store.shutDown()
        try await proxy.stop()
    }

    private func file(_ content: [UInt8]) throws -> (TemporaryFolder, ObjectContent) {
        let folder = try TemporaryFolder()
        try folder.write("file", content)
        return (folder, .file(folder.file("file")))
    }

    @Test("a reading goes on where the connection broke")
    func brokenAnswers() async throws {
        let content = bytes(1 << 20)
        let whole = try S3ObjectStore.make(port: try port) { $0.prefix = "broken-answers/" }
        try await whole.put(.bytes(ByteBuffer(bytes: content)), as: try key("object"))
        await whole.shutDown()
        let faults: [FaultyProxy.Fault] = [
            .breakAnswer(after: 500_000), .breakAnswer(after: 100), .breakAnswer(after: 300_000),
        ]
        try await withProxy(faults) {
            $0.prefix = "broken-answers/"
        } _: { store, proxy in
            var read = ByteBuffer()
            try await store.read(try key("object"), 10..<content.count) {
                (piece: ByteBuffer) throws(ObjectStoreFailure) in
                read.writeImmutableBuffer(piece)
            }
            #expect(read == ByteBuffer(bytes: content[10...]) && proxy.connections == 4)
        }
    }

    @Test("a part whose connection broke is sent again, and the others are not")
    func brokenRequests() async throws {
        let (part, content) = (5 << 20, bytes(6 << 20))
        let (folder, source) = try file(content)
        try await withProxy([.breakRequest(after: 5_700_000)]) {
            $0.partSize = part
        } _: { store, proxy in
            let told = Mutex<[Int]>([])
            try await store.put(source, as: try key("object"), contentType: "video/mp4") { count in
                told.withLock { $0.append(count) }
            }
            #expect(proxy.connections == 2)
            let read = try await store.bytes(of: try key("object"), 0..<content.count)
            #expect(read == ByteBuffer(bytes: content))
            #expect(told.withLock { $0 } == [part, content.count - part])
        }
        withExtendedLifetime(folder) {}
    }

    private static let unavailable = """
        HTTP/1.1 503 Slow Down\r\nContent-Length: 42\r\nConnection: close\r\n\r\n<Error><Code>SlowDown</Code></Error>......
        """

    @Test("a server that says that it cannot now is asked again, a bounded number of times")
    func unavailable() async throws {
        try await withProxy([.answer(Self.unavailable), .answer(Self.unavailable)]) { store, proxy in
            try await store.put(.bytes(ByteBuffer(string: "x")), as: try key("object"))
            #expect(proxy.connections == 3)
        }
        try await withProxy(Array(repeating: .answer(Self.unavailable), count: 9)) { store, proxy in
            await #expect { try await store.info(try key("object")) } throws: { error in
                guard case .unavailable = error as? ObjectStoreFailure else { return false }
                return true
            }
            #expect(proxy.connections == 5)
        }
    }

    @Test("a server that says nothing is given up in time, as is one that is not there")
    func silence() async throws {
        let failure = ObjectStoreFailure.unavailable("no answer in time, after 2 tries")
        try await withProxy(Array(repeating: .silence, count: 9)) {
            $0.readTimeout = .milliseconds(50)
            $0.retries.tries = 2
        } _: { store, _ in
            await #expect(throws: failure) { try await store.info(try key("object")) }
            await #expect(throws: failure) { try await store.bytes(of: try key("object"), 0..<10) }
        }
        let nobody = try S3ObjectStore.make(port: 1) { $0.retries.tries = 2 }
        await #expect(throws: ObjectStoreFailure.self) { try await nobody.info(try key("object")) }
        await nobody.shutDown()
    }

    @Test("an upload that cannot be finished leaves no parts behind")
    func abandoned() async throws {
        let (folder, source) = try file(bytes(2_500_000))
        try await withProxy([.breakRequest(after: 1_500_000), .breakRequest(after: 100_000)]) {
            $0.partSize = 1 << 20
            $0.retries.tries = 2
        } _: { store, _ in
            await #expect(throws: ObjectStoreFailure.self) { try await store.put(source, as: try key("object")) }
            let (left, object) = (
                try await store.removeUnfinished(olderThan: -60), try await store.info(try key("object"))
            )
            #expect(left == 0 && object == nil)
        }
        withExtendedLifetime(folder) {}
    }

    @Test("an upload that a killed process has left is removed when it is old enough")
    func leftOver() async throws {
        let store = try S3ObjectStore.make(port: try port)
        _ = try await store.client.send(S3Request(method: .POST, key: try key("abc/object"), query: [("uploads", "")]))
        #expect(try await store.removeUnfinished(olderThan: 3600) == 0)
        #expect(try await store.removeUnfinished(olderThan: -60) == 1)
        #expect(try await store.removeUnfinished(olderThan: -60) == 0)
        await store.shutDown()
    }

    @Test("a task that is cancelled ends its upload, and nothing is left")
    func cancelled() async throws {
        let (folder, source) = try file(bytes(2_500_000))
        let store = try S3ObjectStore.make(port: try port) { $0.partSize = 1 << 20 }
        let name = try key("object")
        let task: Task<Void, any Error> = Task {
            try await store.put(source, as: name, contentType: "x/y") { _ in withUnsafeCurrentTask { $0?.cancel() } }
        }
        await #expect(throws: ObjectStoreFailure.cancelled) { try await task.value }
        #expect(try await store.removeUnfinished(olderThan: -60) == 0)
        await store.shutDown()
        withExtendedLifetime(folder) {}
    }

    // MARK: - Settings

    private func refusal(
        now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) },
        _ adjust: (inout S3Configuration) -> Void
    ) async throws -> String {
        let store = try S3ObjectStore.make(port: try port, adjust: adjust, now: now)
        var words = "nothing"
        do throws(ObjectStoreFailure) {
            _ = try await store.list(prefix: "", isFlat: true, after: nil, limit: 1)
        } catch {
            words = error.description
        }
        await store.shutDown()
        return words
    }

    @Test("a wrong key, a wrong secret and a wrong clock are refused by the server, and told in words")
    func refusals() async throws {
        #expect(try await refusal { $0.credentials.secretKey = Secret("wrong") }.contains("the signature is wrong"))
        #expect(
            try await refusal { $0.credentials.accessKey = "NOBODY" }.contains("does not know the access key NOBODY")
        )
        let skewed = try await refusal(now: { Int64(Date().timeIntervalSince1970) - 7200 }) { _ in }
        #expect(skewed.contains("the clock of this machine is behind the store's by 7"), "\(skewed)")
        #expect(try await refusal { _ in } == "nothing")
    }

    @Test("a bucket may be in the host name, and content unsigned")
    func hosts() async throws {
        let port = try port
        let store = try S3ObjectStore.make(port: port) { configuration in
            configuration.addressing = .host
            configuration.endpoint = S3Endpoint("http://\(S3Server.domain):\(port)") ?? configuration.endpoint
            configuration.addresses = ["tests.\(S3Server.domain)": "127.0.0.1"]
            configuration.signsContent = false
        }
        let name = try key("abc/ö 1")
        try await store.put(.bytes(ByteBuffer(string: "host")), as: name)
        #expect(try await store.bytes(of: name, 1..<4) == ByteBuffer(string: "ost"))
        try await store.copy(name, to: try key("abd"))
        #expect(try await store.list(prefix: "", isFlat: true, after: nil, limit: 9).objects.count == 2)
        await store.shutDown()
    }
}
