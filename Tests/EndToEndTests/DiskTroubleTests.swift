import Foundation
import Glibc
import TestSupport
import Testing

/// The disk is full, read-only or gone while the server is on air.
@Suite("Disk trouble", .serialized)
struct DiskTroubleTests {
    /// What becomes of the disk.
    enum Trouble: String, CaseIterable {
        case full, readOnly, vanished
    }

    /// A data folder whose recordings have a file system of some MiB to themselves.
    private final class SmallDisk: Sendable {
        let folder: TemporaryFolder
        var recordings: String { folder.file("recordings") }

        /// Whether this process may mount one.
        static let isPossible = (try? SmallDisk()) != nil

        struct NotMounted: Error { let code: Int32 }

        init() throws {
            folder = try TemporaryFolder()
            mkdir(recordings, 0o700)
            guard mount("tmpfs", recordings, "tmpfs", 0, "size=24m") == 0 else { throw NotMounted(code: errno) }
        }

        func set(readOnly: Bool) throws {
            let flags = UInt(MS_REMOUNT) | (readOnly ? UInt(MS_RDONLY) : 0)
            for _ in 0..<10_000 {
                if mount("tmpfs", recordings, "tmpfs", flags, nil) == 0 { return }
                // The server may be writing to a file just now.
                guard errno == EBUSY else { break }
            }
            throw NotMounted(code: errno)
        }

        deinit { umount2(recordings, Int32(MNT_DETACH)) }
    }

    @Test(
        "viewers notice nothing, the recording says what is missing, operators are told, and it recovers by itself",
        .enabled(if: SmallDisk.isPossible, "mounting needs root"),
        arguments: Trouble.allCases
    )
    func trouble(_ trouble: Trouble) async throws {
        let disk = try SmallDisk()
        let server = try await ServerProcess.start(
            environment: [
                "LYCEUM_WINDOW_SECONDS": "60", "LYCEUM_PART_MILLISECONDS": "200", "LYCEUM_SEGMENT_SECONDS": "1",
            ],
            dataFolder: disk.folder
        )
        let publisher = try FFmpegPublisher(
            .test(frameRate: 25, keyframeInterval: 25),
            to: server.publishURL(key: try await server.streamKey())
        )
        try await LiveViewer(server).watch(within: .seconds(30)) { _, segments in segments.count >= 1 }
        let viewer = LowLatencyViewer(server)
        let watching = Task { try await viewer.watch { _ in false } }
        try await Self.wait(for: viewer) { $0.segments >= 2 }

        let recordings = disk.recordings
        let name = try #require(try FileManager.default.contentsOfDirectory(atPath: recordings).first)
        let ballast = "\(recordings)/ballast"
        switch trouble {
        case .full:
            // As much as fits.
            let bytes = [UInt8](repeating: 1, count: 64 << 10)
            let file = open(ballast, O_WRONLY | O_CREAT, 0o600)
            while write(file, bytes, bytes.count) > 0 {}
            close(file)
        case .readOnly: try disk.set(readOnly: true)
        case .vanished: rename("\(recordings)/\(name)", "\(recordings)/gone")
        }
        let segments = await viewer.report.segments
        if trouble != .vanished {
            _ = try await server.log.line(containing: "disk fails")
            #expect(try await server.get("/readyz").text.contains("the disk fails"))
            try await Self.wait(for: viewer) { $0.segments >= segments + 2 }
        }
        switch trouble {
        case .full: unlink(ballast)
        case .readOnly: try disk.set(readOnly: false)
        case .vanished: break
        }
        if trouble != .vanished { _ = try await server.log.line(containing: "disk works again") }
        let later = await viewer.report.segments
        try await Self.wait(for: viewer) { $0.segments >= later + 3 }
        #expect(try await server.get("/readyz").text == "ready\n")
        publisher.interrupt()
        try await watching.value
        try await publisher.waitForExit()
        #expect(await viewer.report.findings.isEmpty)

        _ = try await server.log.line(containing: "recording complete")
        let facts = String(decoding: try disk.folder.read("recordings/\(name)/recording.json"), as: UTF8.self)
        let list = try PlaylistReader.readMedia(try disk.folder.read("recordings/\(name)/m0.m3u8"))
        let gaps = list.segments.map { $0.unknownTags.contains { $0.hasPrefix("#EXT-X-GAP") } }
        if trouble != .vanished {
            #expect(facts.contains("\"disk\""))
            #expect(gaps.first == false && gaps.last == false && gaps.contains(true))
        }
        #expect(gaps.last == false)
        server.terminate()
        try await server.waitForExit()
    }

    private static func wait(
        for viewer: LowLatencyViewer,
        until isDone: @escaping @Sendable (LowLatencyViewer.Report) -> Bool
    ) async throws {
        try await withDeadline(.seconds(60)) {
            "the live did not come as far as the test wants it"
        } _: {
            while !isDone(await viewer.report) { try await viewer.nextVersion() }
        }
    }
}
