import Foundation
import MediaCore
import NIOCore
import NIOPosix
import Recordings
import Storage
import TestSupport
import Testing

@testable import Origin

/// Recordings whose media is in a store, and those that another server has put there.
@Suite("Recordings in a store")
struct RecordedInStoreTests {
    private let base = "/vod/abcdefghijkmnpqrstuv"

    private func segment(_ number: Int) -> [UInt8] {
        Array(FiledLive.body(number, number == 2 ? 1_200_000 : 3000).readableBytesView)
    }

    private func recording() -> RecordedFolder {
        var recording = RecordedFolder()
        recording.initialization = Array("ftyp moov".utf8)
        recording.segments = (0..<3).map { RecordedFolder.Segment(segment($0), seconds: 2) }
        return recording
    }

    /// Uploads the recording from a server that has it.
    private func upload(to store: any ObjectStore) async throws -> Recorded {
        let first = try Recorded(recording(), store: store)
        let id = try #require(RecordingID("abcdefghijkmnpqrstuv"))
        try await first.archive?.upload(try #require(first.catalog[id]))
        return first
    }

    private func get(
        _ paths: [String],
        from recorded: Recorded,
        _ router: Router,
        _ fields: String = ""
    ) async throws -> [WireResponse] {
        let server = try await recorded.listen(router)
        let client = try await LoopbackClient.connect(
            to: try #require(server.localAddress),
            on: MultiThreadedEventLoopGroup.singleton
        )
        try await client.send(paths.map { "GET \($0) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n" }.joined())
        let responses = try await client.responses(paths.count)
        try await client.close()
        try await server.close()
        return responses
    }

    @Test("a server that never had a recording serves it, bytes and ranges, as one that has it on its disk")
    func otherServer() async throws {
        let folder = try TemporaryFolder()
        let store = try FolderStore(directory: folder.path)
        let first = try await upload(to: store)
        let second = try Recorded(store: store)
        let paths = ["index.m3u8", "m0.m3u8", "m0-init-0.mp4", "m0-0.m4s", "m0-2.m4s", "m0-3.m4s"].map {
            "\(base)/\($0)"
        }
        let (here, there) = (
            try await get(paths, from: first, first.router()), try await get(paths, from: second, second.router())
        )
        #expect(there.map(\.status) == [200, 200, 200, 200, 200, 404])
        #expect(zip(here, there).allSatisfy { $0.body == $1.body && $0.status == $1.status })
        #expect(there[3].body == segment(0) && there[4]["ETag"] == here[4]["ETag"])
        let part = try await get([paths[4]], from: second, second.router(), "Range: bytes=1000000-1100000\r\n")
        #expect(part.map(\.status) == [206] && part[0].body == Array(segment(2)[1_000_000...1_100_000]))
        let page = try await get(["/recordings/abcdefghijkmnpqrstuv"], from: second, second.router())
        #expect(page.map(\.status) == [200])
        for recorded in [first, second] { await recorded.storage.shutDown() }
        await store.shutDown()
    }

    @Test("who may not watch a live does not get its recordings from the store either")
    func access() async throws {
        let folder = try TemporaryFolder()
        let store = try FolderStore(directory: folder.path)
        let (first, second) = (try await upload(to: store), try Recorded(store: store))
        let router = second.router(access: ViewerAccess(authorizer: Nobody(), cdnSecret: nil))
        #expect(
            try await get(["\(base)/index.m3u8", "\(base)/m0-0.m4s"], from: second, router).map(\.status) == [403, 403]
        )
        for recorded in [first, second] { await recorded.storage.shutDown() }
        await store.shutDown()
    }

    @Test("media that the store does not give is an error before the first byte, and what nobody has is not found")
    func trouble() async throws {
        let folder = try TemporaryFolder()
        let store = try FolderStore(directory: folder.path)
        let (first, second) = (try await upload(to: store), try Recorded(store: store))
        try await store.delete(try [#require(ObjectKey("abcdefghijkmnpqrstuv/m0-2.media"))])
        let paths = ["\(base)/m0-2.m4s", "\(base)/m0-1.m4s", "/vod/bbcdefghijkmnpqrstuv/index.m3u8"]
        let answers = try await get(paths, from: second, second.router())
        #expect(answers.map(\.status) == [503, 200, 404])
        for recorded in [first, second] { await recorded.storage.shutDown() }
        await store.shutDown()
    }

    private struct Nobody: PlaybackAuthorizer {
        func authorize(_ request: PlayRequest) -> PlayDecision { .deny(reason: "no") }
    }
}
