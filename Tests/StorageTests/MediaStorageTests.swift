import Dispatch
import Glibc
import Logging
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import Storage

/// Disks that do not do what they should.
@Suite("Media storage")
struct MediaStorageTests {
    private static let overrun = "warning disk does not keep up, segments are lost for the archive"
    private static let failing = "warning disk fails, segments are lost for the archive"

    @Test("what waits for a disk that hangs is bounded; the rest is lost at once, and told once")
    func backlog() async throws {
        let disk = try Disk { $0.backlog = 10_000 }
        let hang = DispatchSemaphore(value: 0)
        disk.storage.thread.submit { _ in hang.wait() }
        let log = disk.storage.makeLog(named: "main")
        let filed = (0..<25).map { log.append(segment($0)) }
        #expect(filed.map(\.state) == .init(repeating: .pending, count: 10) + .init(repeating: .lost, count: 15))
        #expect(disk.storage.figures.backlogBytes == 10_000 && disk.storage.figures.bytesLost == 15_000)
        #expect(disk.storage.figures.isFailing)
        #expect(disk.messages.all == [Self.overrun])
        hang.signal()
        await disk.storage.flush()
        #expect(filed.prefix(10).allSatisfy { $0.state == .written })
        #expect(try filed[9].content == segment(9).whole)
        #expect(disk.messages.all == [Self.overrun, "notice disk keeps up again"])
        let figures = disk.storage.figures
        #expect(!figures.isFailing && figures.backlogBytes == 0 && figures.bytesWritten == 10_000)

        let next = log.append(segment(30))
        await disk.storage.flush()
        #expect(try next.content == segment(30).whole)
        await disk.storage.shutDown()
    }

    @Test(
        "a full disk costs what it does not take, as a whole; when room comes back storage goes on by itself",
        .enabled(if: SmallDisk.isPossible, "needs the right to mount a tmpfs")
    )
    func fullDisk() async throws {
        let small = try SmallDisk(megabytes: 4)
        let disk = try Disk(at: small.path) {
            // Three to a file: the disk is full in the middle of one.
            $0.fileSize = 1_600_000
            $0.retryInterval = .zero
        }
        let log = disk.storage.makeLog(named: "main")
        var filed = (0..<12).map { log.append(segment($0, size: 500_000)) }
        await disk.storage.flush()
        let written = filed.count { $0.state == .written }
        #expect(written == 8, "of 4 MiB")
        #expect(filed.allSatisfy { $0.state != .pending })
        for (number, bytes) in filed.enumerated() where bytes.state == .written {
            #expect(try bytes.content == segment(number, size: 500_000).whole)
        }
        #expect(disk.messages.all == [Self.failing])
        #expect(disk.storage.figures.isFailing && disk.storage.figures.bytesLost == (12 - written) * 500_000)
        #expect(disk.size == disk.storage.figures.bytesOnDisk, "nothing is left of a half-written segment")

        filed.removeFirst(4)
        await disk.storage.flush()
        let next = log.append(segment(20, size: 500_000))
        await disk.storage.flush()
        #expect(try next.content == segment(20, size: 500_000).whole)
        #expect(disk.messages.all == [Self.failing, "notice disk works again"])
        #expect(!disk.storage.figures.isFailing)
        await disk.storage.shutDown()
    }

    @Test(
        "a disk that becomes read-only still gives what it has, and takes more when it can be written to again",
        .enabled(if: SmallDisk.isPossible, "needs the right to mount a tmpfs")
    )
    func readOnlyDisk() async throws {
        let small = try SmallDisk(megabytes: 4)
        let disk = try Disk(at: small.path) { $0.retryInterval = .zero }
        let log = disk.storage.makeLog(named: "main")
        let before = log.append(segment(1))
        await disk.storage.flush()
        try small.set(readOnly: true)
        let during = [log.append(segment(2)), log.append(segment(3))]
        await disk.storage.flush()
        #expect(during.map(\.state) == [.lost, .lost])
        #expect(try before.content == segment(1).whole)
        #expect(throws: StorageFailure.self) {
            try MediaStorage(directory: small.path, logger: Logger(label: "test") { _ in disk.messages })
        }
        try small.set(readOnly: false)
        let after = log.append(segment(4))
        await disk.storage.flush()
        #expect(try after.content == segment(4).whole)
        #expect(disk.messages.all == [Self.failing, "notice disk works again"])
        await disk.storage.shutDown()
    }

    @Test("a disk that failed is left alone until it is time to try it again")
    func retryInterval() async throws {
        let disk = try Disk { $0.retryInterval = .hours(1) }
        let log = disk.storage.makeLog(named: "main")
        let before = log.append(segment(1))
        await disk.storage.flush()
        #expect(before.state == .written)
        for path in disk.files { unlink(path) }
        let during = (2..<10).map { log.append(segment($0)) }
        await disk.storage.flush()
        #expect(during.allSatisfy { $0.state == .lost })
        #expect(disk.files.isEmpty, "nothing was tried after the first")
        #expect(disk.messages.all == [Self.failing])
        await disk.storage.shutDown()
    }

    @Test("a folder that somebody removes is made again, and what lay in it is an error for who reads it")
    func removedFolder() async throws {
        let disk = try Disk { $0.retryInterval = .zero }
        let log = disk.storage.makeLog(named: "main/t1/m0")
        let before = log.append(segment(1))
        await disk.storage.flush()
        try await Tool.check("rm", ["-r", disk.folder])
        #expect(throws: StorageFailure.self) { try before.content }
        let during = log.append(segment(2))
        await disk.storage.flush()
        let after = log.append(segment(3))
        await disk.storage.flush()
        #expect(during.state == .lost)
        #expect(try after.content == segment(3).whole)
        #expect(disk.messages.all == [Self.failing, "notice disk works again"])
        await disk.storage.shutDown()
    }

    @Test("a file that somebody has cut short is an error, not other bytes")
    func truncatedFile() async throws {
        let disk = try Disk()
        let filed = disk.storage.makeLog(named: "main").append(segment(1))
        await disk.storage.flush()
        let path = try #require(disk.files.first)
        truncate(path, 400)
        #expect(throws: StorageFailure.truncated(path: path, offset: 400)) { try filed.content }
        #expect(try filed.slice?.read(0..<400) == segment(1).whole.getSlice(at: 0, length: 400))
        await disk.storage.shutDown()
    }

    @Test("files of an earlier process are removed at the start, and nothing else")
    func leftovers() async throws {
        let folder = try TemporaryFolder()
        let names = ["main/t1/m0-1-1.media", "old.media", "main/notes.txt", "media"]
        try await Tool.check("mkdir", ["-p", folder.file("main/t1"), folder.file("empty/deep")])
        for name in names { try folder.write(name, "x") }
        try await Tool.check("ln", ["-s", folder.file("main/notes.txt"), folder.file("link.media")])
        let disk = try Disk(at: folder.path)
        let left = [folder.file("link.media"), folder.file("main/notes.txt"), folder.file("media")]
        #expect(disk.files == left)
        #expect(access(folder.file("empty"), F_OK) != 0)
        await disk.storage.shutDown()
        #expect(disk.files == left)
    }

    @Test("the folder is this user's alone, and one that cannot be had is an error with its reason")
    func folder() async throws {
        let disk = try Disk(below: "data/deep/media")
        var status = stat()
        #expect(stat(disk.folder, &status) == 0 && status.st_mode & 0o777 == 0o700)
        let folder = try TemporaryFolder()
        try folder.write("file", "x")
        let failure = StorageFailure.system(operation: "mkdir", path: folder.file("file/media"), code: ENOTDIR)
        #expect(throws: failure) {
            try MediaStorage(directory: folder.file("file/media"), logger: Logger(label: "test") { _ in Messages() })
        }
        #expect(failure.description == "mkdir \(folder.file("file/media")): Not a directory")
        await disk.storage.shutDown()
    }

    @Test("after it has shut down nothing is left, and appending loses what it is given")
    func shutDown() async throws {
        let disk = try Disk()
        let log = disk.storage.makeLog(named: "main")
        let before = log.append(segment(1))
        await disk.storage.shutDown()
        #expect(disk.files.isEmpty)
        #expect(before.state == .written)
        #expect(throws: StorageFailure.self) { try before.content }
        let after = log.append(segment(2))
        #expect(after.state == .lost && after.slice == nil)
        #expect(disk.storage.figures.backlogBytes == 0)
        await disk.storage.flush()
    }
}
