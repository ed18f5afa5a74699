import Foundation
import Glibc
import LiveStore
import NIOCore
import NIOPosix
import Storage
import Synchronization
import TestSupport
import Testing

@testable import ObjectStorage
@testable import Recordings

/// Recordings on their way between disks and a store.
@Suite("Recording archive", .s3Servers(.seaweedFS))
struct RecordingArchiveTests {
    static let kinds: [StoreKind] = [.folder, .seaweedFS]

    @Test("a recording goes up, leaves the disk, and its media is read from the store", arguments: kinds)
    func roundTrip(_ kind: StoreKind) async throws {
        let test = try await kind.make()
        let node = try Node(test.store)
        let recording = try node.record()
        let before = recording.names
        let told = Mutex<[Double]>([])
        try await node.archive.upload(recording) { part in told.withLock { $0.append(part) } }
        #expect(told.withLock { $0 == $0.sorted() && $0.last == 1 })
        #expect(try await test.store.names() == Set(before.map { "\(recording.id)/\($0)" }))
        #expect(recording.facts.uploadedAt == 1_000_000 && recording.names == before)

        let reader = try recording.file(named: "m0-1.media").whole
        #expect(try await node.archive.dropMedia(of: recording))
        #expect(recording.facts.droppedAt == 1_000_000)
        for number in 0..<6 {
            #expect(try await recording.read(number) == ByteBuffer(bytes: bytes(50_000, seed: UInt64(number + 1))))
        }
        // Who has begun to read from the disk reads on.
        #expect(!reader.isRemote)
        #expect(try reader.read(50_000..<100_000) == ByteBuffer(bytes: bytes(50_000, seed: 2)))
        #expect(recording.names.contains("m0-1.media") && !recording.names.contains("m0-2.media"))
        #expect(try recording.file(named: "m0-2.media").byteCount == 150_000)
        // Also by those who wait for it, on a thread of their own.
        let slice = try recording.file(named: "m0-2.media").whole
        let read = try await NIOThreadPool.singleton.runIfActive { try slice.read(10..<20) }
        #expect(read == ByteBuffer(bytes: bytes(50_000, seed: 4)[10..<20]))
        await node.shutDown()
        await test.store.shutDown()
    }

    @Test(
        "a server that starts finds what it had, and removes media that an interrupted removal has left",
        arguments: kinds
    )
    func restart(_ kind: StoreKind) async throws {
        let test = try await kind.make()
        let folder = try TemporaryFolder()
        let first = try Node(test.store, in: folder)
        let recording = try first.record()
        try await first.archive.upload(recording)
        try await first.archive.dropMedia(of: recording)
        try first.catalog.update(recording.id) { $0.title = "renamed" }
        await first.shutDown()
        try WholeFile.write(ByteBuffer(string: "left"), to: "\(recording.folder)/m0-1.media")

        let second = try Node(test.store, in: folder)
        let again = try #require(second.catalog[recording.id])
        #expect(!again.isOutline && !again.names.contains("m0-1.media") && again.facts.isStoreBehind == true)
        #expect(try await again.read(5) == ByteBuffer(bytes: bytes(50_000, seed: 6)))
        // What was changed here goes to the store, and is not undone from there.
        try await second.archive.synchronize()
        #expect(again.facts.title == "renamed")
        try await second.archive.putFacts(of: recording.id)
        #expect(again.facts.isStoreBehind == nil)
        let other = try Node(test.store)
        try await other.archive.synchronize()
        #expect(other.catalog[recording.id]?.facts.title == "renamed")
        await second.shutDown()
        await other.shutDown()
        await test.store.shutDown()
    }

    @Test("another server finds a recording in the store, when it is asked for it or lists all", arguments: kinds)
    func otherNode(_ kind: StoreKind) async throws {
        let test = try await kind.make()
        let (first, second) = (try Node(test.store), try Node(test.store))
        let recording = try first.record()
        #expect(try await second.archive.find(recording.id) == nil)
        let third = try Node(test.store)
        try await first.archive.upload(recording)
        // What was not there is not looked for again at once.
        #expect(try await second.archive.find(recording.id) == nil)
        let found = try await withThrowingTaskGroup(of: Recording?.self) { tasks in
            for _ in 0..<5 { tasks.addTask { try await third.archive.find(recording.id) } }
            return try await tasks.reduce(into: []) { $0.append($1) }
        }
        let copy = try #require(found.first ?? nil)
        #expect(found.allSatisfy { $0 === copy })
        #expect(copy.names == ["m0.index", "m0-init-0.mp4", "m0.m3u8", "index.m3u8", "recording.json"])
        #expect(try await copy.read(3) == ByteBuffer(bytes: bytes(50_000, seed: 4)))
        #expect(try await copy.file(named: "m0.m3u8").whole.fetch(0..<7) == ByteBuffer(string: "#EXTM3U"))

        try await second.archive.synchronize()
        let outline = try #require(second.catalog[recording.id])
        #expect(outline.isOutline && outline.facts.title == "lesson" && outline.names == ["recording.json"])
        #expect(try await second.archive.find(recording.id) === outline)
        #expect(!outline.isOutline)
        #expect(try await outline.read(0) == ByteBuffer(bytes: bytes(50_000, seed: 1)))
        for node in [first, second, third] { await node.shutDown() }
        await test.store.shutDown()
    }

    @Test("what is deleted leaves the store with its last reader, and then the other servers", arguments: kinds)
    func deletion(_ kind: StoreKind) async throws {
        let test = try await kind.make()
        let folder = try TemporaryFolder()
        let (first, second) = (try Node(test.store, in: folder), try Node(test.store))
        let (recording, kept) = (try first.record(), try first.record())
        for one in [recording, kept] { try await first.archive.upload(one) }
        try await second.archive.synchronize()
        try await first.archive.dropMedia(of: recording)
        var reader: FileSlice? = try recording.file(named: "m0-1.media").whole
        #expect(first.catalog.delete(recording.id))
        #expect(try await first.archive.removeDeleted() == 0)
        #expect(try await first.archive.find(recording.id) == nil)
        #expect(try await reader?.fetch(0..<9) == ByteBuffer(bytes: bytes(9, seed: 1)))
        reader = nil
        #expect(try await first.archive.removeDeleted() == 1)
        #expect(try await test.store.names().allSatisfy { $0.hasPrefix("\(kept.id)/") })
        try await second.archive.synchronize()
        #expect(second.catalog[recording.id] == nil && second.catalog[kept.id] != nil)
        #expect(Folder.names(in: recording.folder).isEmpty)

        // A server that was ended before it could do that does it later.
        #expect(first.catalog.delete(kept.id))
        await first.shutDown()
        let again = try Node(test.store, in: folder)
        try await again.archive.synchronize()
        #expect(again.catalog[kept.id] == nil)
        #expect(try await again.archive.removeDeleted() == 1)
        #expect(try await test.store.names().isEmpty)
        await again.shutDown()
        await second.shutDown()
        await test.store.shutDown()
    }

    @Test(
        "an upload that was ended goes on with what is missing, and media that is not whole stays on the disk",
        arguments: kinds
    )
    func resumption(_ kind: StoreKind) async throws {
        let test = try await kind.make()
        let node = try Node(test.store)
        let recording = try node.record()
        let asked = Mutex(0)
        await #expect(throws: ObjectStoreFailure.cancelled) {
            try await node.archive.upload(recording) { _ in
            } isCancelled: {
                asked.withLock { count in
                    count += 1
                    return count > 1
                }
            }
        }
        #expect(try await test.store.names() == ["\(recording.id)/m0-1.media"] && recording.facts.uploadedAt == nil)
        let first = try await test.store.info(try key("\(recording.id)/m0-1.media"))
        try await test.store.put(.bytes(ByteBuffer(string: "old")), as: try key("\(recording.id)/m0-9.media"))
        try await node.archive.upload(recording)
        #expect(try await test.store.info(try key("\(recording.id)/m0-1.media")) == first)
        #expect(try await test.store.info(try key("\(recording.id)/m0-9.media")) == nil)
        try await test.store.put(.bytes(ByteBuffer(string: "broken")), as: try key("\(recording.id)/m0-2.media"))
        #expect(try await !node.archive.dropMedia(of: recording))
        #expect(recording.facts.uploadedAt == nil && recording.names.contains("m0-2.media"))
        await node.shutDown()
        await test.store.shutDown()
    }

    @Test("a clip that shares files on the disk shares them in the store", arguments: kinds)
    func clips(_ kind: StoreKind) async throws {
        let test = try await kind.make()
        let node = try Node(test.store)
        let (recording, clip) = (try node.record(), try node.record(size: 40_000))
        try await node.archive.upload(recording)
        unlink("\(clip.folder)/m0-1.media")
        #expect(link("\(recording.folder)/m0-2.media", "\(clip.folder)/m0-1.media") == 0)
        try node.catalog.update(clip.id) { $0.cut = .init(start: 0, duration: 1, source: recording.id) }
        try await node.archive.upload(clip)
        let size = try await test.store.info(try key("\(clip.id)/m0-1.media"))?.byteCount
        #expect(size == 150_000)
        #expect(node.catalog.delete(recording.id))
        #expect(try await node.archive.removeDeleted() == 1)
        let bytes = try await test.store.bytes(of: try key("\(clip.id)/m0-1.media"), 0..<50_000)
        #expect(bytes == ByteBuffer(bytes: ObjectStorageTests.bytes(50_000, seed: 4)))
        await node.shutDown()
        await test.store.shutDown()
    }

    @Test("facts that were written before there was a store are read as before")
    func oldFacts() throws {
        let text = """
            {"id":"abcdefghijkmnpqrstuv","stream":"main","title":"t","source":"live","state":"ready","startedAt":1,"duration":2,
            "byteCount":3,"isKept":false,"gaps":[]}
            """
        let facts = try #require(RecordingFacts(document: ByteBuffer(string: text)))
        #expect(facts.uploadedAt == nil && facts.droppedAt == nil && facts.byteCount == 3)
        #expect(RecordingFacts(document: ByteBuffer(string: "{}")) == nil)
    }

    @Test("a store that cannot be reached is an error, and nothing here is forgotten for it")
    func unreachable() async throws {
        let test = try await StoreKind.folder.make()
        let folder = try TemporaryFolder()
        let first = try Node(test.store, in: folder)
        let recording = try first.record()
        try await first.archive.upload(recording)
        try await first.archive.dropMedia(of: recording)
        await first.shutDown()
        let nobody = try S3ObjectStore.make(port: 1) { $0.retries.tries = 1 }
        let node = try Node(nobody, in: folder)
        await #expect(throws: ObjectStoreFailure.self) { try await node.archive.synchronize() }
        let stranger = try #require(RecordingID("abcdefghijkmnpqrstuv"))
        await #expect(throws: ObjectStoreFailure.self) { try await node.archive.find(stranger) }
        let known = try #require(try await node.archive.find(recording.id))
        await #expect(throws: StorageFailure.self) { try await known.read(0) }
        #expect(known.names.contains("index.m3u8"))
        await node.shutDown()
        await nobody.shutDown()
    }
}
