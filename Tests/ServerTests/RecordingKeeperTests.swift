import Foundation
import Glibc
import Logging
import NIOCore
import Recordings
import Storage
import Synchronization
import TestSupport
import Testing

@testable import lyceum

/// What keeps recordings within what they may take, on real disks and stores.
@Suite("Recording keeper")
struct RecordingKeeperTests {
    /// A data folder with recordings of a MiB each, the oldest named `a...`.
    private final class Place: Sendable {
        let catalog: RecordingCatalog
        let storage: MediaStorage
        let archive: RecordingArchive?
        let messages = Mutex<[String]>([])
        let path: String
        private let folder: TemporaryFolder
        private let isMounted: Bool

        init(_ letters: String, megabytes: Int? = nil, store: (any ObjectStore)? = nil) throws {
            folder = try TemporaryFolder()
            let place = folder.path
            path = place
            isMounted = megabytes.map { mount("tmpfs", place, "tmpfs", 0, "size=\($0)m") == 0 } ?? false
            try #require(isMounted || megabytes == nil)
            for (number, letter) in letters.enumerated() {
                var recording = RecordedFolder()
                recording.id = String(repeating: letter, count: 20)
                recording.startedAt = 1_000_000 + number * 86_400_000
                recording.segments = [.init([UInt8](repeating: 1, count: 1 << 20), seconds: 2)]
                try recording.write(to: folder.file("recordings"))
            }
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            storage = try MediaStorage(directory: folder.file("media"), logger: logger)
            catalog = try RecordingCatalog(
                directory: folder.file("recordings"),
                storage: storage,
                store: store,
                randomBytes: { Array(repeating: 7, count: $0) },
                logger: logger
            )
            archive = store.map { [catalog] store in
                RecordingArchive(catalog: catalog, store: store, now: { 1 }, logger: logger)
            }
        }

        deinit { if isMounted { umount2(path, Int32(MNT_DETACH)) } }

        func keeper(_ policy: RetentionPolicy) -> RecordingKeeper {
            let log = Log(place: self)
            return RecordingKeeper(
                catalog: catalog,
                archive: archive,
                policy: policy,
                now: { 1_000_000 + 10 * 86_400_000 },
                logger: Logger(label: "test") { _ in log }
            )
        }

        var letters: String { String(catalog.all.compactMap(\.id.text.first).reversed()) }

        func recording(_ letter: Character) throws -> Recording {
            try #require(RecordingID(String(repeating: letter, count: 20)).flatMap { catalog[$0] })
        }
    }

    private struct Log: LogHandler {
        let place: Place
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { nil }
            set {}
        }

        func log(event: LogEvent) {
            let reason = event.metadata?["reason"].map { " (\($0))" } ?? ""
            place.messages.withLock { $0.append("\(event.message)\(reason)") }
        }
    }

    /// Whether this process may mount a disk.
    private static let canMount: Bool = {
        guard let folder = try? TemporaryFolder() else { return false }
        defer { umount2(folder.path, Int32(MNT_DETACH)) }
        return mount("tmpfs", folder.path, "tmpfs", 0, "size=1m") == 0
    }()

    @Test(
        "a disk that is nearly full gets room from the oldest recordings; what is kept stays, and that is told",
        .enabled(if: canMount)
    )
    func fullDisk() async throws {
        let place = try Place("abcde", megabytes: 8)
        try place.catalog.update(place.recording("a").id) { $0.isKept = true }
        // 8 MiB with five recordings of one have less than 3 free.
        let keeper = place.keeper(RetentionPolicy(freeByteCount: 4 << 20))
        await keeper.keep()
        #expect(place.letters == "ade")
        #expect(place.messages.withLock { $0 } == Array(repeating: "recording deleted (disk space)", count: 2))
        #expect((DiskSpace.free(at: place.path) ?? 0) >= 4 << 20)
        for letter in "de" { try place.catalog.update(place.recording(letter).id) { $0.isKept = true } }
        let strict = place.keeper(RetentionPolicy(byteCount: 1 << 20, freeByteCount: 6 << 20))
        await strict.keep()
        await strict.keep()
        #expect(place.letters == "ade" && strict.figures.excess == 2 << 20 && strict.figures.shortage > 0)
        // Once each, not once a minute.
        #expect(place.messages.withLock { $0.count } == 4)
        await place.storage.shutDown()
    }

    @Test(
        "recordings go up, leave the disk when it is time, and are deleted in the store as well when they are too old"
    )
    func store() async throws {
        let folder = try TemporaryFolder()
        let store = try FolderStore(directory: folder.file("store"))
        let place = try Place("abc", store: store)
        // They ended 10, 9 and 8 days ago.
        await place.keeper(RetentionPolicy(localDays: 8.5)).keep()
        #expect(place.catalog.all.allSatisfy { $0.facts.uploadedAt != nil })
        #expect(place.catalog.all.map { $0.facts.droppedAt == nil } == [true, false, false])
        #expect(place.messages.withLock { $0.filter { $0.hasSuffix("(uploaded)") }.count } == 2)
        let keeper = place.keeper(RetentionPolicy(days: 9.5))
        await keeper.keep()
        #expect(place.letters == "bc" && keeper.figures == .init())
        let left = try await store.list(prefix: "", isFlat: false, after: nil, limit: 10)
        #expect(left.folders.map { $0.prefix(1) } == ["b", "c"])
        await place.storage.shutDown()
        await store.shutDown()
    }

    @Test("a store that does not take a recording costs nothing but that, and is told")
    func brokenStore() async throws {
        let folder = try TemporaryFolder()
        let store = try FolderStore(directory: folder.file("store"))
        let place = try Place("ab", store: store)
        // A file where a folder has to be.
        try folder.write("store/aaaaaaaaaaaaaaaaaaaa", "in the way")
        let keeper = place.keeper(RetentionPolicy(localDays: 0))
        await keeper.keep()
        #expect(keeper.figures.pendingUploads == 1 && keeper.figures.failedUploads == 1)
        #expect(try place.recording("a").facts.uploadedAt == nil && place.recording("b").facts.droppedAt != nil)
        #expect(place.messages.withLock { $0.contains("recording could not be uploaded") })
        try FileManager.default.removeItem(atPath: folder.file("store/aaaaaaaaaaaaaaaaaaaa"))
        await keeper.keep()
        #expect(try keeper.figures.pendingUploads == 0 && place.recording("a").facts.droppedAt != nil)
        await place.storage.shutDown()
        await store.shutDown()
    }

    @Test(
        "numbers of bytes are read as people write them",
        arguments: [("0", 0), ("1500", 1500), ("2G", 2 << 30), ("1.5k", 1536), ("3T", 3 << 40)]
    )
    func byteCounts(text: String, count: Int64) {
        #expect(ByteCount.read(text) == count)
    }

    @Test(
        "what is no number of bytes is none",
        arguments: ["", "G", "-1", "1X", "1 G", "nan", "inf", "9999999999T", "0x10", "+1"]
    )
    func noByteCounts(text: String) {
        #expect(ByteCount.read(text) == nil)
    }
}
