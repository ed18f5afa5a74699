import Dispatch
import LiveStore
import Logging
import MediaCore
import NIOCore
import TestSupport
import Testing

@testable import Packager
@testable import Recordings
@testable import Storage

@Suite("Showing parts when they are recorded")
struct ListingGateTests {
    private let folder: TemporaryFolder
    private let storage: MediaStorage
    private let stream: LiveStream
    private let gate: ListingGate

    init() throws {
        folder = try TemporaryFolder()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        storage = try MediaStorage(directory: folder.file("media"), logger: logger)
        let catalog = try RecordingCatalog(
            directory: folder.file("recordings"),
            storage: storage,
            randomBytes: { Array(repeating: 3, count: $0) },
            logger: logger
        )
        let id = try #require(StreamID("main"))
        stream = LiveStore().begin(id, tag: "t", now: WallClockTime(milliseconds: 0)).stream
        let writer = catalog.begin { id in
            RecordingFacts(id: id, stream: "main", title: "main", source: .live, startedAt: 0)
        }
        gate = ListingGate(stream, writer)
    }

    /// A snapshot that tells itself apart by its target duration.
    private func snapshot(_ number: Int) -> LiveStream.Snapshot {
        var snapshot = LiveStream.Snapshot(phase: .live, window: LiveWindow())
        snapshot.targetDuration = number
        return snapshot
    }

    private var shown: Int? { stream.snapshot.targetDuration }

    @Test("a part is shown when the disk has it, and not before")
    func waits() async throws {
        let disk = DispatchSemaphore(value: 0)
        storage.afterwards { disk.wait() }
        gate.list(snapshot(1), now: .uptimeNanoseconds(0))
        gate.expire(now: .uptimeNanoseconds(19_000_000))
        #expect(shown == nil)
        disk.signal()
        await storage.flush()
        #expect(shown == 1)
        await storage.shutDown()
    }

    @Test("a disk that takes longer is not waited for, nor for what follows, until it has caught up")
    func patience() async throws {
        let disk = DispatchSemaphore(value: 0)
        storage.afterwards { disk.wait() }
        gate.list(snapshot(1), now: .uptimeNanoseconds(0))
        gate.expire(now: .uptimeNanoseconds(20_000_000))
        #expect(shown == 1)
        gate.list(snapshot(2), now: .uptimeNanoseconds(400_000_000))
        #expect(shown == 2)
        disk.signal()
        await storage.flush()
        #expect(shown == 2)

        let again = DispatchSemaphore(value: 0)
        storage.afterwards { again.wait() }
        gate.list(snapshot(3), now: .uptimeNanoseconds(800_000_000))
        #expect(shown == 2)
        // Another part before the one in front of it is written: both are shown, in their order.
        gate.list(snapshot(4), now: .uptimeNanoseconds(810_000_000))
        #expect(shown == 4)
        again.signal()
        await storage.flush()
        #expect(shown == 4)
        await storage.shutDown()
    }

    @Test("the end of a publish shows what waits at once")
    func release() async throws {
        let disk = DispatchSemaphore(value: 0)
        storage.afterwards { disk.wait() }
        gate.list(snapshot(1), now: .uptimeNanoseconds(0))
        gate.release()
        #expect(shown == 1)
        stream.interrupt(at: .now)
        disk.signal()
        await storage.flush()
        // What is written later changes nothing.
        guard case .interrupted = stream.snapshot.phase else { Issue.record("\(stream.snapshot.phase)"); return }
        await storage.shutDown()
    }
}
