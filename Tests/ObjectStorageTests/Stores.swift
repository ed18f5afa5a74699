import Foundation
import Logging
import MediaCore
import NIOHTTP1
import NIOCore
import NIOPosix
import Storage
import Synchronization
import TestSupport
import Testing

@testable import ObjectStorage

/// The S3 servers of a suite: started before its first test, and killed behind its last.
struct S3Servers: SuiteTrait, TestScoping {
    @TaskLocal static var current: [S3Server.Kind: S3Server] = [:]
    let kinds: [S3Server.Kind]

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable () async throws -> Void
    ) async throws {
        let servers = try await withThrowingTaskGroup(of: (S3Server.Kind, S3Server).self) { tasks in
            for kind in kinds {
                tasks.addTask {
                    let server = try await S3Server.start(kind)
                    let store = try S3ObjectStore.make(port: server.port) { $0.prefix = "" }
                    _ = try await store.client.send(S3Request(method: .PUT))
                    await store.shutDown()
                    return (kind, server)
                }
            }
            return try await tasks.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        try await Self.$current.withValue(servers, operation: function)
        for server in servers.values { try await server.stop() }
    }
}

extension Trait where Self == S3Servers {
    /// Runs the suite with S3 servers.
    static func s3Servers(_ kinds: S3Server.Kind...) -> S3Servers { S3Servers(kinds: kinds) }
}

/// The stores that every test of stores runs on.
enum StoreKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case folder
    case seaweedFS
    case moto

    var testDescription: String { rawValue }

    /// An empty store.
    func make(_ adjust: (inout S3Configuration) -> Void = { _ in }) async throws -> TestStore {
        guard let kind = S3Server.Kind(rawValue: rawValue) else {
            let folder = try TemporaryFolder()
            return TestStore(store: try FolderStore(directory: folder.file("store")), folder: folder)
        }
        let server = try #require(S3Servers.current[kind])
        let store = try S3ObjectStore.make(port: server.port, adjust: adjust)
        return TestStore(store: store, folder: nil)
    }
}

/// A store, and what has to live as long.
struct TestStore: Sendable {
    let store: any ObjectStore
    let folder: TemporaryFolder?
}

extension S3Configuration {
    /// A server on loopback, and a part of its bucket that no other test has.
    static func test(port: Int) throws -> S3Configuration {
        var configuration = S3Configuration(
            endpoint: try #require(S3Endpoint("http://127.0.0.1:\(port)")),
            region: "us-east-1",
            bucket: "tests",
            addressing: .path,
            credentials: Credentials(accessKey: S3Server.accessKey, secretKey: Secret(S3Server.secretKey))
        )
        configuration.prefix = "\(String(UInt64.random(in: 0...UInt64.max), radix: 36))/"
        configuration.retries.firstPause = .milliseconds(2)
        return configuration
    }
}

extension S3ObjectStore {
    /// A store that is empty.
    static func make(
        port: Int,
        adjust: (inout S3Configuration) -> Void = { _ in },
        now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) },
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    ) throws -> S3ObjectStore {
        var configuration = try S3Configuration.test(port: port)
        adjust(&configuration)
        return S3ObjectStore(configuration, group: MultiThreadedEventLoopGroup.singleton, now: now, logger: logger)
    }
}

/// Bytes that no others are like.
func bytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var random = SplitMix64(seed: seed)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count { withUnsafeBytes(of: random.next()) { bytes.append(contentsOf: $0) } }
    return Array(bytes[..<count])
}

func key(_ text: String) throws -> ObjectKey { try #require(ObjectKey(text)) }
