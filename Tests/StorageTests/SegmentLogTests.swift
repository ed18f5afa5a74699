import Glibc
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import Storage

@Suite("Segment log and journal")
struct SegmentLogTests {
    private func journal(_ disk: Disk) -> Journal { Journal(path: "\(disk.folder)/r/journal", storage: disk.storage) }

    private func log(_ disk: Disk, _ journal: Journal, after number: UInt32 = 0) -> SegmentLog {
        SegmentLog(stem: "\(disk.folder)/r/m0", after: number, journal: journal, storage: disk.storage) { _, _ in }
    }

    /// Appends a segment of some parts.
    private func append(_ parts: [[ByteBuffer]], to log: SegmentLog) throws -> FiledBytes {
        var filed: FiledBytes?
        let byteCount = parts.joined().reduce(0) { $0 + $1.readableBytes }
        for (index, part) in parts.enumerated() {
            let isLast = index == parts.count - 1
            filed = log.append(part, isFirst: index == 0, segmentByteCount: isLast ? byteCount : nil) { location in
                ByteBuffer(string: location.map { "\($0.file):\($0.offset)+\($0.length)\n" } ?? "lost\n")
            }
        }
        return try #require(filed)
    }

    private func text(_ path: String) throws -> String {
        var bytes: [UInt8] = []
        let file = open(path, O_RDONLY)
        defer { close(file) }
        var chunk = [UInt8](repeating: 0, count: 4096)
        while case let count = read(file, &chunk, chunk.count), count > 0 { bytes += chunk[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("the parts of a segment are one slice, no segment spans two files, and the journal tells where each part is")
    func parts() async throws {
        let disk = try Disk { $0.fileSize = 2500 }
        let journal = journal(disk)
        let log = log(disk, journal)
        let segments = (0..<4).map { number in (0..<2).map { segment(number * 2 + $0, size: 600) } }
        let filed = try segments.map { try append($0, to: log) }
        await disk.storage.flush()
        for (filed, parts) in zip(filed, segments) {
            #expect(filed.state == .written)
            #expect(try filed.content == Array(parts.joined()).whole)
        }
        #expect(
            try text(journal.path)
                == "1:0+600\n1:600+600\n1:1200+600\n1:1800+600\n1:2400+600\n1:3000+600\n2:0+600\n2:600+600\n"
        )
        // They stay.
        let names = disk.files.map { $0.split(separator: "/").last.map(String.init) ?? "" }
        #expect(names == ["journal", "m0-1.media", "m0-2.media"])
        await disk.storage.shutDown()
    }

    @Test("what a full disk does not take is lost by whole segments, and what comes when there is room again is not")
    func full() async throws {
        try #require(SmallDisk.isPossible, "mounting needs root")
        let small = try SmallDisk(megabytes: 1)
        let disk = try Disk(at: small.path) { $0.retryInterval = .zero }
        let journal = journal(disk)
        let log = log(disk, journal)
        let filed = try (0..<5).map { number in
            try append([segment(number, size: 200_000), segment(number + 100, size: 150_000)], to: log)
        }
        await disk.storage.flush()
        #expect(filed.map(\.state) == [.written, .written, .lost, .lost, .lost])
        #expect(disk.storage.figures.isFailing && disk.storage.figures.bytesLost >= 3 * 150_000)
        unlink("\(small.path)/r/m0-1.media")
        let later = try append([segment(7, size: 1000)], to: log)
        await disk.storage.flush()
        #expect(later.state == .written && !disk.storage.figures.isFailing)
        let lines = try text(journal.path).split(separator: "\n")
        #expect(lines.count == 11 && lines.count { $0 == "lost" } == 5 && lines.last?.hasSuffix(":0+1000") == true)
        await disk.storage.shutDown()
    }

    @Test("a journal goes on behind its whole entries, and one that somebody removed begins anew with its preamble")
    func journal() async throws {
        let disk = try Disk()
        let path = "\(disk.folder)/r/journal"
        let first = Journal(path: path, storage: disk.storage)
        first.append(ByteBuffer(string: "opening\n"), isPreamble: true)
        first.append(ByteBuffer(string: "one\n"))
        first.append(ByteBuffer(string: "half an en"))
        await disk.storage.flush()
        let second = Journal(path: path, length: 12, storage: disk.storage)
        second.append(ByteBuffer(string: "two\n"))
        await disk.storage.flush()
        #expect(try text(path) == "opening\none\ntwo\n")
        unlink(path)
        first.append(ByteBuffer(string: "three\n"))
        await disk.storage.flush()
        #expect(try text(path) == "opening\nthree\n")
        await disk.storage.shutDown()
    }

    @Test("what a journal cannot write waits, and is written in its order")
    func waiting() async throws {
        try #require(SmallDisk.isPossible, "mounting needs root")
        let small = try SmallDisk(megabytes: 1)
        let disk = try Disk(at: small.path)
        let journal = journal(disk)
        journal.append(ByteBuffer(string: "one\n"))
        await disk.storage.flush()
        try small.set(readOnly: true)
        journal.append(ByteBuffer(string: "two\n"))
        journal.append(ByteBuffer(string: "three\n"))
        await disk.storage.flush()
        #expect(disk.storage.figures.isFailing)
        try small.set(readOnly: false)
        journal.append(ByteBuffer(string: "four\n"))
        await disk.storage.flush()
        #expect(try text(journal.path) == "one\ntwo\nthree\nfour\n")
        #expect(!disk.storage.figures.isFailing)
        await disk.storage.shutDown()
    }

    @Test("a file that is kept outlives its log and its storage, until it is to be removed")
    func keptFile() async throws {
        let disk = try Disk()
        let log = log(disk, journal(disk))
        _ = try append([segment(1, size: 500)], to: log)
        await disk.storage.flush()
        let path = "\(disk.folder)/r/m0-1.media"
        let file = try disk.storage.keptFile(at: path)
        #expect(file.byteCount == 500 && file.slice(offset: 400, length: 101) == nil)
        let slice = try #require(file.slice(offset: 100, length: 400))
        file.removeWhenUnused()
        await disk.storage.flush()
        #expect(try slice.read(0..<400).readableBytes == 400)
        #expect(throws: StorageFailure.self) { try disk.storage.keptFile(at: path + "x") }
        await disk.storage.shutDown()
    }
}
