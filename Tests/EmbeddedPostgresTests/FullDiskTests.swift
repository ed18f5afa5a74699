import Foundation
import Glibc
import TestSupport
import Testing

@testable import EmbeddedPostgres

@Suite("The embedded database and a full disk", .enabled(if: SmallDisk.isPossible))
struct FullDiskTests {
    @Test("a cluster that does not fit is not made, nothing is left of it, and it says why")
    func initialisation() async throws {
        let disk = try await SmallDisk(megabytes: 20)
        let server = EmbeddedPostgres(disk.configuration, logger: PrivateCluster.logger)
        let error = await #expect(throws: EmbeddedPostgresError.self) { try await server.start() }
        #expect(error?.description.contains("No space left on device") == true && error?.isTemporary == true)
        let names = try FileManager.default.contentsOfDirectory(atPath: disk.configuration.dataDirectory + "/postgres")
        #expect(names.sorted() == ["lock", "socket"])
        try await disk.unmount()
    }

    @Test("a cluster that cannot start for want of space says so, and starts when there is some again")
    func start() async throws {
        let disk = try await SmallDisk(megabytes: 120)
        let server = EmbeddedPostgres(disk.configuration, logger: PrivateCluster.logger)
        _ = try await server.start()
        await server.stop()
        let filler = disk.configuration.dataDirectory + "/filler"
        try disk.fill(filler)
        let error = await #expect(throws: EmbeddedPostgresError.self) { try await server.start() }
        #expect(error?.description.contains("No space left on device") == true && error?.isTemporary == true)
        unlink(filler)
        _ = try await server.start()
        #expect(server.state == .ready)
        await server.stop()
        try await disk.unmount()
    }
}

/// A file system of its own in memory, which only root can make, and not in every container.
private struct SmallDisk {
    private let folder: TemporaryFolder

    var configuration: EmbeddedPostgresConfiguration {
        EmbeddedPostgresConfiguration(dataDirectory: folder.file("disk/data"))
    }

    init(megabytes: Int) async throws {
        folder = try TemporaryFolder()
        mkdir(folder.file("disk"), 0o755)
        try await Tool.check("mount", ["-t", "tmpfs", "-o", "size=\(megabytes)m", "tmpfs", folder.file("disk")])
    }

    func unmount() async throws { try await Tool.check("umount", ["--lazy", folder.file("disk")]) }

    /// Writes until nothing more fits.
    func fill(_ path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let zeros = [UInt8](repeating: 0, count: 4096)
        while write(descriptor, zeros, zeros.count) > 0 {}
        #expect(errno == ENOSPC)
    }

    static var isPossible: Bool {
        guard geteuid() == 0 else { return false }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lyceum-mount-\(UUID().uuidString)")
            .path
        mkdir(folder, 0o700)
        defer { rmdir(folder) }
        guard mount("tmpfs", folder, "tmpfs", 0, "size=1m") == 0 else { return false }
        return umount2(folder, Int32(MNT_DETACH)) == 0
    }
}
