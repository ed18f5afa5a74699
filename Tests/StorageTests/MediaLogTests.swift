import Glibc
import NIOCore
import TestSupport
import Testing

@testable import Storage

@Suite("Media log")
struct MediaLogTests {
    @Test("what was appended comes back byte for byte, whole, in ranges and by slices of slices")
    func comesBack() async throws {
        let disk = try Disk()
        let log = disk.storage.makeLog(named: "main/t1/m0")
        let filed = (0..<20).map { log.append(segment($0, size: 10_000 + $0)) }
        await disk.storage.flush()
        for (number, bytes) in filed.enumerated() {
            let expected = segment(number, size: 10_000 + number).whole
            #expect(bytes.state == .written && bytes.byteCount == expected.readableBytes)
            #expect(try bytes.content == expected)
            let slice = try #require(bytes.slice)
            #expect(try slice.read(17..<4711) == expected.getSlice(at: 17, length: 4711 - 17))
            let inner = slice.subslice(100..<200).subslice(50..<1000)
            #expect(inner.length == 50)
            #expect(try inner.read(0..<50) == expected.getSlice(at: 150, length: 50))
            #expect(throws: StorageFailure.outOfBounds(0..<51, length: 50)) { try inner.read(0..<51) }
            #expect(throws: StorageFailure.outOfBounds(-1..<5, length: 50)) { try inner.read(-1..<5) }
        }
        #expect(disk.files.count == 1)
        await disk.storage.shutDown()
    }

    @Test("a segment may have more pieces than one call takes, empty ones among them, or no bytes at all")
    func manyPieces() async throws {
        let disk = try Disk()
        let log = disk.storage.makeLog(named: "main")
        let pieces = segment(1, size: 9000, pieces: 4500).flatMap { [$0, ByteBuffer()] }
        #expect(pieces.count == 9000)
        let (many, none) = (log.append(pieces), log.append([]))
        await disk.storage.flush()
        #expect(try many.content == segment(1, size: 9000).whole)
        #expect(none.state == .written && none.byteCount == 0)
        #expect(try none.content == ByteBuffer())
        await disk.storage.shutDown()
    }

    @Test("no segment spans two files, and each file is removed with the last that needs it")
    func files() async throws {
        let disk = try Disk { $0.fileSize = 2500 }
        let log = disk.storage.makeLog(named: "main")
        var filed = (0..<6).map { log.append(segment($0)) } + [log.append(segment(6, size: 9000))]
        await disk.storage.flush()
        #expect(disk.files.count == 4, "three of two segments and one of its own")
        #expect(disk.storage.figures.bytesOnDisk == 15_000 && disk.size == 15_000)
        #expect(try filed.enumerated().allSatisfy { try $1.content == segment($0, size: $1.byteCount).whole })

        filed.removeFirst()
        await disk.storage.flush()
        #expect(disk.files.count == 4, "its neighbour is still there")
        var slice = filed.removeFirst().slice?.subslice(0..<10)
        await disk.storage.flush()
        #expect(disk.files.count == 4, "a slice of it is still there")
        #expect(try slice?.read(0..<10).readableBytes == 10)
        slice = nil
        await disk.storage.flush()
        #expect(disk.files.count == 3)
        #expect(disk.storage.figures.bytesOnDisk == 13_000 && disk.size == 13_000)
        filed = []
        await disk.storage.flush()
        #expect(disk.files.count == 1, "the one that is written to")
        #expect(disk.storage.descriptors.count <= 1, "none of those that are gone is open")
        await disk.storage.shutDown()
    }

    @Test("with its log the last file goes, and the folders that nothing lies in")
    func folders() async throws {
        let disk = try Disk()
        var log: MediaLog? = disk.storage.makeLog(named: "main/t1/m0")
        let other = disk.storage.makeLog(named: "main/t2/m0")
        let kept = other.append(segment(2))
        var filed = log?.append(segment(1))
        await disk.storage.flush()
        #expect(disk.files.count == 2 && access("\(disk.folder)/main/t1", F_OK) == 0)
        log = nil
        #expect(try filed?.content == segment(1).whole)
        filed = nil
        await disk.storage.flush()
        #expect(access("\(disk.folder)/main/t1", F_OK) != 0)
        #expect(try kept.content == segment(2).whole)
        await disk.storage.shutDown()
    }

    @Test("many logs are written to from many threads, and each keeps its order and its bytes")
    func manyLogs() async throws {
        let disk = try Disk { $0.fileSize = 20_000 }
        let writers = (0..<8).map { writer in
            { @Sendable () -> [FiledBytes] in
                let logs = (0..<5).map { disk.storage.makeLog(named: "live-\(writer)/m\($0)") }
                return (0..<250).map { logs[$0 % 5].append(segment(writer * 1000 + $0)) }
            }
        }
        let filed = await overlapping(writers)
        await disk.storage.flush()
        #expect(filed.count == 8)
        for (writer, segments) in filed.enumerated() {
            for (number, bytes) in segments.enumerated() {
                #expect(try bytes.content == segment(writer * 1000 + number).whole)
            }
        }
        #expect(disk.storage.figures.bytesWritten == 2_000_000 && disk.storage.figures.backlogBytes == 0)
        #expect(disk.messages.all.isEmpty)
        await disk.storage.shutDown()
        #expect(disk.files.isEmpty)
    }

    @Test("thousands of segments in thousands of files keep no more files open than allowed, whoever reads")
    func descriptors() async throws {
        let disk = try Disk {
            $0.fileSize = 1
            $0.openFiles = 16
        }
        let log = disk.storage.makeLog(named: "main")
        let filed = (0..<3000).map { log.append(segment($0, size: 100)) }
        await disk.storage.flush()
        #expect(disk.files.count == 3000)
        let readers = (0..<4).map { reader in
            { @Sendable () -> Int in
                stride(from: reader, to: 3000, by: 4).count { number in
                    (try? filed[number].content) == segment(number, size: 100).whole
                }
            }
        }
        #expect(await overlapping(readers) == [750, 750, 750, 750])
        #expect(disk.storage.descriptors.count == 16)
        let mine = try Self.openPaths().filter { $0.hasPrefix(disk.folder) }
        #expect(mine.count == 16, "what has fallen out is closed, and nothing is open for writing")
        await disk.storage.shutDown()
        #expect(try Self.openPaths().allSatisfy { !$0.hasPrefix(disk.folder) })
    }

    @Test(
        "a log's name leads nowhere but into the folder",
        arguments: [
            "../../etc/passwd", "/etc/passwd", "..", ".", "", "///", "a/../b", "a\0b", "~", "main/$(reboot)/m0",
            "f\u{fc}r/\u{1F600}", String(repeating: "x", count: 5000), String(repeating: "y/", count: 5000),
            String(repeating: "\u{1F600}", count: 400), "-rf", ".hidden",
        ]
    )
    func names(name: String) async throws {
        let disk = try Disk()
        let first = disk.storage.makeLog(named: name)
        let second = disk.storage.makeLog(named: name)
        let filed = [first.append(segment(1)), second.append(segment(2))]
        await disk.storage.flush()
        #expect(try filed[0].content == segment(1).whole && filed[1].content == segment(2).whole)
        #expect(disk.files.count == 2, "two logs of one name have files of their own")
        let plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.%/"
        #expect(disk.files.allSatisfy { $0.dropFirst(disk.folder.count).allSatisfy { plain.contains($0) } })
        await disk.storage.shutDown()
        #expect(disk.files.isEmpty)
    }

    @Test("names that differ stay different, and dots cannot begin a component")
    func escapes() {
        #expect(LogName.path("main/t1/m0") == "main/t1/m0")
        #expect(LogName.path("../a.b") == "%2E./a.b")
        #expect(LogName.path("a%b") == "a%25b" && LogName.path("a\n") == "a%0A")
        #expect(LogName.path("//") == "unnamed")
    }

    /// What this process has open.
    private static func openPaths() throws -> [String] {
        let folder = try #require(opendir("/proc/self/fd"))
        defer { closedir(folder) }
        var paths: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            var target = [CChar](repeating: 0, count: Int(PATH_MAX))
            let count = readlink("/proc/self/fd/\(name)", &target, target.count)
            if count > 0 {
                paths.append(String(decoding: target.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self))
            }
        }
        return paths
    }
}
