import NIOCore
import Storage
import Synchronization
import TestSupport
import Testing

@testable import ObjectStorage

/// What every store does: a folder, and S3 servers.
@Suite("Object store", .s3Servers(.seaweedFS, .moto))
struct ObjectStoreTests {
    private static let partSize = 5 << 20

    @Test("what was put is there whole, in place of what was there before", arguments: StoreKind.allCases)
    func put(_ kind: StoreKind) async throws {
        let test = try await kind.make()
        let name = try key("abc/m0-1.media")
        #expect(try await test.store.info(name) == nil)
        try await test.store.put(.bytes(ByteBuffer(string: "first")), as: name)
        let first = try #require(try await test.store.info(name))
        #expect(first.byteCount == 5 && first.key == name)
        try await test.store.put(.bytes(ByteBuffer(string: "second one")), as: name)
        #expect(try await test.store.bytes(of: name, 0..<10) == ByteBuffer(string: "second one"))
        #expect(try await test.store.info(name)?.tag != first.tag)
        try await test.store.put(.bytes(ByteBuffer()), as: name)
        #expect(try await test.store.info(name)?.byteCount == 0)
        await test.store.shutDown()
    }

    @Test(
        "names may have spaces, other scripts and all that URLs and XML have a use for",
        arguments: StoreKind.allCases
    )
    func names(_ kind: StoreKind) async throws {
        let test = try await kind.make { $0.prefix += "one & two/" }
        let names = try ["a b+c/d%20e", "ä/日本 <x>&amp;'\"", "q?x=1&y#z", "plus+ $@!*(),:;=~_-"].map(key)
        for name in names { try await test.store.put(.bytes(ByteBuffer(string: name.text)), as: name) }
        for name in names {
            let text = ByteBuffer(string: name.text)
            #expect(try await test.store.bytes(of: name, 0..<text.readableBytes) == text)
        }
        let page = try await test.store.list(prefix: "", isFlat: true, after: nil, limit: 1000)
        #expect(Set(page.objects.map(\.key)) == Set(names))
        try await test.store.delete(names)
        #expect(try await test.store.list(prefix: "", isFlat: true, after: nil, limit: 1000) == ObjectPage())
        await test.store.shutDown()
    }

    @Test("a large file is sent from the disk in parts, and any range of it read", arguments: StoreKind.allCases)
    func large(_ kind: StoreKind) async throws {
        let test = try await kind.make { $0.partSize = Self.partSize }
        let folder = try TemporaryFolder()
        let content = bytes(Self.partSize + 12_345)
        try folder.write("large", content)
        let name = try key("abc/large")
        let told = Atomic(0)
        try await test.store.put(.file(folder.file("large")), as: name, contentType: "video/mp4") {
            told.add($0, ordering: .relaxed)
        }
        #expect(told.load(ordering: .relaxed) == content.count)
        #expect(try await test.store.info(name)?.byteCount == content.count)
        for range in [
            0..<1, 0..<content.count, Self.partSize - 1..<Self.partSize + 1, content.count - 1..<content.count, 7..<7,
        ] {
            let read = try await test.store.bytes(of: name, range)
            #expect(read == ByteBuffer(bytes: content[range]), "\(range)")
        }
        #expect(try await test.store.removeUnfinished(olderThan: -60) == 0)
        await test.store.shutDown()
    }

    @Test("an object is read in pieces, the next one when the last is done with", arguments: StoreKind.allCases)
    func pieces(_ kind: StoreKind) async throws {
        let test = try await kind.make()
        let (content, name) = (bytes(3 << 20, seed: 2), try key("pieces"))
        try await test.store.put(.bytes(ByteBuffer(bytes: content)), as: name)
        var (read, largest, isBusy) = (ByteBuffer(), 0, false)
        try await test.store.read(name, 1..<content.count) { (piece: ByteBuffer) throws(ObjectStoreFailure) in
            #expect(!isBusy)
            isBusy = true
            await Task.yield()
            read.writeImmutableBuffer(piece)
            largest = max(largest, piece.readableBytes)
            isBusy = false
        }
        #expect(read == ByteBuffer(bytes: content[1...]) && largest <= 1 << 20)
        // What stops the reader stops the reading.
        await #expect(throws: ObjectStoreFailure.cancelled) {
            try await test.store.read(name, 0..<content.count) { _ throws(ObjectStoreFailure) in throw .cancelled }
        }
        await test.store.shutDown()
    }

    @Test("what is not there is not found, and its deletion is done already", arguments: StoreKind.allCases)
    func missing(_ kind: StoreKind) async throws {
        let test = try await kind.make()
        let (name, other) = (try key("abc/none"), try key("abc/other"))
        await #expect(throws: ObjectStoreFailure.notFound(name)) { try await test.store.bytes(of: name, 0..<10) }
        await #expect(throws: ObjectStoreFailure.notFound(name)) { try await test.store.copy(name, to: other) }
        #expect(try await test.store.info(name) == nil)
        try await test.store.delete([name])
        try await test.store.delete([name, other])
        try await test.store.delete([])
        await test.store.shutDown()
    }

    @Test("names are listed once each, page by page, flat or by folder", arguments: StoreKind.allCases)
    func lists(_ kind: StoreKind) async throws {
        let test = try await kind.make()
        let names = try ["a-b", "a/1", "a/2", "a/b/3", "b/1", "c"].map(key)
        for (number, name) in names.enumerated() {
            try await test.store.put(.bytes(ByteBuffer(repeating: 1, count: number)), as: name)
        }
        for limit in [1, 2, 1000] {
            var (found, folders, pages): ([ObjectInfo], [String], Int) = ([], [], 0)
            for isFlat in [true, false] {
                var next: String?
                repeat {
                    let page = try await test.store.list(prefix: "", isFlat: isFlat, after: next, limit: limit)
                    #expect(page.objects.count + page.folders.count <= limit)
                    if isFlat { found += page.objects } else { folders += page.folders + page.objects.map(\.key.text) }
                    next = page.next
                    pages += 1
                } while next != nil && pages < 20
            }
            found.sort { $0.key.text < $1.key.text }
            #expect(found.map(\.key) == names && found.map(\.byteCount) == [0, 1, 2, 3, 4, 5], "\(limit)")
            #expect(folders.sorted() == ["a-b", "a/", "b/", "c"], "\(limit)")
        }
        let below = try await test.store.list(prefix: "a/", isFlat: false, after: nil, limit: 10)
        #expect(below.objects.map(\.key.text) == ["a/1", "a/2"] && below.folders == ["a/b/"] && below.next == nil)
        let beginning = try await test.store.list(prefix: "a", isFlat: false, after: nil, limit: 10)
        #expect(beginning.objects.map(\.key.text) == ["a-b"] && beginning.folders == ["a/"])
        #expect(try await test.store.list(prefix: "x/", isFlat: true, after: nil, limit: 10) == ObjectPage())
        await test.store.shutDown()
    }

    @Test("a copy is made in the store, and outlives what it was made of", arguments: StoreKind.allCases)
    func copies(_ kind: StoreKind) async throws {
        let test = try await kind.make { $0.prefix += "some where/" }
        let (name, other) = (try key("one/m0-1.media"), try key("two/m0-1.media"))
        let content = bytes(100_000, seed: 3)
        try await test.store.put(.bytes(ByteBuffer(bytes: content)), as: name)
        try await test.store.copy(name, to: other)
        try await test.store.copy(name, to: other)
        try await test.store.put(.bytes(ByteBuffer(string: "new")), as: name)
        try await test.store.delete([name])
        #expect(try await test.store.bytes(of: other, 0..<content.count) == ByteBuffer(bytes: content))
        #expect(try await test.store.info(name) == nil)
        await test.store.shutDown()
    }

    @Test("many objects are removed at once, and others stay", arguments: StoreKind.allCases)
    func deletion(_ kind: StoreKind) async throws {
        let test = try await kind.make()
        let names = try (0..<40).map { try key("abc/\($0)") }
        for name in names { try await test.store.put(.bytes(ByteBuffer(string: "x")), as: name) }
        try await test.store.put(.bytes(ByteBuffer(string: "x")), as: try key("abd/1"))
        try await test.store.delete(names)
        let left = try await test.store.list(prefix: "", isFlat: true, after: nil, limit: 1000)
        #expect(left.objects.map(\.key.text) == ["abd/1"])
        await test.store.shutDown()
    }

    @Test("a file that cannot be read leaves nothing in the store", arguments: StoreKind.allCases)
    func unreadable(_ kind: StoreKind) async throws {
        let test = try await kind.make()
        let path = "/nowhere/file"
        await #expect(throws: ObjectStoreFailure.disk(.system(operation: "open", path: path, code: 2))) {
            try await test.store.put(.file(path), as: try key("abc/none"))
        }
        #expect(try await test.store.list(prefix: "", isFlat: true, after: nil, limit: 10) == ObjectPage())
        await test.store.shutDown()
    }
}
