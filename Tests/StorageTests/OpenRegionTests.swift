import Logging
import NIOCore
import TestSupport
import Testing

@testable import Storage

/// What is known of the page cache.
@Suite("Recent reads")
struct RecentReadsTests {
    private let block = RecentReads.blockSize
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    @Test("a range was read when each of its blocks was, and not for ever")
    func ranges() {
        var reads = RecentReads()
        #expect(!reads.has(0..<1, now: start))
        reads.note(block - 1..<block + 1, now: start)
        #expect(reads.has(0..<2 * block, now: start) && !reads.has(0..<2 * block + 1, now: start))
        #expect(RecentReads.whole(block - 1..<block + 1) == 0..<2 * block)
        let later = start + RecentReads.lifetime
        #expect(reads.has(0..<1, now: later - .nanoseconds(1)) && !reads.has(0..<1, now: later))
        reads.note(0..<1, now: later)
        #expect(reads.has(0..<block, now: later) && !reads.has(0..<block + 1, now: later))
        #expect(reads.has(5..<5, now: later), "nothing is always there")
    }

    @Test("of a file that is read from end to end the newest blocks are remembered, and not all")
    func bounded() {
        var reads = RecentReads()
        for index in 0..<10_000 { reads.note(index * block..<(index + 1) * block, now: start) }
        #expect(reads.has(9_999 * block..<10_000 * block, now: start) && !reads.has(0..<1, now: start))
    }
}

/// Bytes of files that the system is to send.
@Suite("Open regions")
struct OpenRegionTests {
    private let folder: TemporaryFolder
    private let storage: MediaStorage

    init() throws {
        folder = try TemporaryFolder()
        var limits = StorageLimits()
        limits.openFiles = 1
        storage = try MediaStorage(
            directory: folder.file("media"),
            limits: limits,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    private func slice(_ name: String, _ size: Int = 1000) throws -> FileSlice {
        try folder.write(name, Array(repeating: 1, count: size))
        return try storage.keptFile(at: folder.file(name)).whole.subslice(10..<size)
    }

    @Test("what was read of late is ready, as long as its file is open, and knows when it was cut off")
    func ready() throws {
        let slice = try slice("a")
        #expect(slice.readyRegion == nil)
        let region = try #require(try slice.openRegion())
        #expect(region.region.readerIndex == 10 && region.region.endIndex == 1000 && region.length == 990)
        #expect(region.isWhole && slice.readyRegion != nil && slice.subslice(5..<6).readyRegion?.length == 1)
        try folder.write("a", Array(repeating: 1, count: 999))
        #expect(!region.isWhole)
    }

    @Test("a file that is too short is found out before anything is sent")
    func short() throws {
        let slice = try slice("a")
        try folder.write("a", Array(repeating: 1, count: 999))
        #expect(throws: StorageFailure.self) { try slice.openRegion() }
    }

    @Test("no more files stay open for slow readers than are allowed; when they are done, others may be sent")
    func descriptors() throws {
        let slices = try ["a", "b", "c", "d"].map { try slice($0) }
        var regions = try slices.prefix(3).map { try #require(try $0.openRegion()) }
        #expect(storage.openFiles.value == 3)
        #expect(try slices[3].openRegion() == nil)
        #expect(try slices[3].read(0..<1).readableBytes == 1, "it can be read")
        regions.removeAll()
        #expect(storage.openFiles.value == 1)
        #expect(try slices[3].openRegion() != nil)
    }
}
