import Glibc
import LiveStore
import Logging
import MediaCore
import NIOCore
import NIOPosix
import Storage
import Synchronization
import TestSupport

@testable import Origin

/// A live called `main` whose older segments lie on disk: `t1-100.m4s` and on.
final class FiledLive: Sendable {
    let fixture = Fixture()
    let folder: TemporaryFolder
    let storage: MediaStorage
    /// The name of the newest segment, which is in memory.
    let heldName: String
    private let stream: LiveStream

    // The sizes are those of the segments, in bytes.
    init(_ sizes: Int...) async throws {
        folder = try TemporaryFolder()
        var limits = StorageLimits()
        limits.fileSize = 1
        storage = try MediaStorage(
            directory: folder.path,
            limits: limits,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        stream = try fixture.goLive("main")
        heldName = "t1-\(100 + sizes.count).m4s"
        var window = LiveWindow(firstMediaSequenceNumber: 100)
        // None but the newest is held in memory.
        let windowLimits = LiveWindow.Limits(duration: .seconds(60), memory: .milliseconds(1), minimumSegments: 6)
        for (index, size) in sizes.enumerated() {
            // Each has a log of its own, so that no file is kept for what may come.
            let log = storage.makeLog(named: "main-\(100 + index)")
            let body = Self.body(100 + index, size)
            let half = body.getSlice(at: 0, length: size / 2) ?? ByteBuffer()
            let rest = body.getSlice(at: size / 2, length: size - size / 2) ?? ByteBuffer()
            let filed = log.append([half, rest])
            await storage.flush()
            window.append(Self.segment(100 + index, body, filed), limits: windowLimits)
        }
        window.append(Self.segment(100 + sizes.count, fixture.segmentBody, nil), limits: windowLimits)
        show(window)
    }

    private func show(_ window: LiveWindow) {
        var snapshot = stream.snapshot
        snapshot.window = window
        stream.publish(snapshot)
    }

    private static func segment(_ number: Int, _ body: ByteBuffer, _ filed: FiledBytes?) -> MediaSegment {
        let name = "t1-\(number).m4s"
        return MediaSegment(
            mediaSequenceNumber: number,
            duration: .seconds(2),
            programDateTime: WallClockTime(milliseconds: 0),
            isIndependent: true,
            isDiscontinuous: false,
            initialization: StoredResource(
                kind: .initializationSegment,
                name: "t1-init-0.mp4",
                body: ByteBuffer(string: "ftyp moov"),
                entityTag: "t1-init-0"
            ),
            resource: StoredResource(kind: .mediaSegment, name: name, body: body, entityTag: name),
            filed: filed
        )
    }

    /// A router that finds the segments.
    func router(encryption: SegmentEncryption? = nil, loaded: LoadedSegments = LoadedSegments()) -> Router {
        var router = fixture.router()
        router.encryption = encryption
        router.loadedSegments = loaded
        return router
    }

    /// Forgets the segments, as a live does when their time is over.
    func forget() { show(LiveWindow(firstMediaSequenceNumber: 200)) }

    /// Cuts all files to a length.
    func truncate(to length: Int) async throws {
        try await Tool.check(
            "find",
            [folder.path, "-name", "*.media", "-exec", "truncate", "-s", "\(length)", "{}", "+"]
        )
    }

    /// What a segment is made of.
    static func body(_ number: Int, _ size: Int) -> ByteBuffer {
        var random = SplitMix64(seed: UInt64(number))
        var body = ByteBuffer()
        while body.readableBytes < size { body.writeInteger(random.next()) }
        return body.getSlice(at: 0, length: size) ?? body
    }

    /// The handlers' surroundings for one connection.
    func answering(_ router: Router, _ limits: OriginLimits = OriginLimits()) -> Answering {
        Answering(
            router: router,
            peerAddress: "192.0.2.1",
            preamble: ResponsePreamble { 0 },
            known: KnownRequests(),
            gate: ConnectionGate(limits: limits),
            limits: limits,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }
}

extension DiskReader {
    /// Returns when every read that was asked for before is over and forgotten: all threads are here at the same moment.
    func quiesce() async {
        await withCheckedContinuation { continuation in
            let missing = Missing(pool.numberOfThreads)
            pool.start()
            for _ in 0..<pool.numberOfThreads {
                pool.submit { _ in
                    if missing.count.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
                        continuation.resume()
                    }
                    while missing.count.load(ordering: .acquiring) > 0 { sched_yield() }
                }
            }
        }
    }

    private final class Missing: Sendable {
        let count: Atomic<Int>

        init(_ count: Int) { self.count = Atomic(count) }
    }
}
