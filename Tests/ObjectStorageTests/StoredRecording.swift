import Glibc
import LiveStore
import Logging
import MediaCore
import NIOCore
import Storage
import TestSupport
import Testing

@testable import Recordings

/// A server's recordings, in a folder of its own, and those of a store that others have as well.
struct Node: Sendable {
    let folder: TemporaryFolder
    let storage: MediaStorage
    let catalog: RecordingCatalog
    let archive: RecordingArchive

    init(_ store: any ObjectStore, in folder: TemporaryFolder? = nil) throws {
        let folder = try folder ?? TemporaryFolder()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        self.folder = folder
        storage = try MediaStorage(directory: folder.file("media"), logger: logger)
        catalog = try RecordingCatalog(
            directory: folder.file("recordings"),
            storage: storage,
            store: store,
            randomBytes: { count in (0..<count).map { _ in .random(in: 0...255) } },
            logger: logger
        )
        archive = RecordingArchive(catalog: catalog, store: store, now: { 1_000_000 }, logger: logger)
    }

    func shutDown() async { await storage.shutDown() }

    /// A recording that is complete, with so many segments in two files of media.
    func record(segments: Int = 6, size: Int = 50_000, title: String = "lesson") throws -> Recording {
        let recording = try catalog.make { id in
            RecordingFacts(id: id, stream: "main", title: title, source: .live, startedAt: 1000)
        }
        let folder = recording.folder
        func write(_ name: String, _ bytes: [UInt8]) throws {
            try WholeFile.write(ByteBuffer(bytes: bytes), to: "\(folder)/\(name)")
        }
        var index = ByteBuffer()
        for number in 0..<segments {
            let (file, place) = (number < segments / 2 ? 1 : 2, number % (segments / 2))
            let location = SegmentLocation(
                file: UInt32(file),
                initialization: 0,
                offset: UInt64(place * size),
                length: UInt32(size),
                keyframeLength: 0,
                duration: .seconds(2),
                start: .seconds(Double(2 * number)),
                isDiscontinuous: false,
                isIndependent: true
            )
            SegmentIndex.write(location, to: &index)
        }
        try write("m0-1.media", (0..<segments / 2).flatMap { bytes(size, seed: UInt64($0 + 1)) })
        try write("m0-2.media", (segments / 2..<segments).flatMap { bytes(size, seed: UInt64($0 + 1)) })
        try write("m0.index", Array(index.readableBytesView))
        try write("m0-init-0.mp4", bytes(700, seed: 99))
        try write("m0.m3u8", Array("#EXTM3U m0".utf8))
        try write("index.m3u8", Array("#EXTM3U".utf8))
        try catalog.update(recording.id) { facts in
            (facts.state, facts.endedAt, facts.byteCount) = (.ready, 2000, Int64(segments * size))
        }
        return recording
    }
}

extension Recording {
    /// A segment that ``Node/record(segments:size:title:)`` made, as it is read now.
    func read(_ number: Int) async throws -> ByteBuffer {
        let rendition = Rendition.ID(.muxed)
        let location = try #require(try location(of: number, in: rendition))
        let slice = try #require(try segment(at: location, in: rendition))
        return try await slice.fetch(0..<slice.length)
    }

    /// What is in its folder.
    var names: Set<String> { Set(Folder.names(in: folder)) }
}

extension ObjectStore {
    /// The names of all objects.
    func names(_ prefix: String = "") async throws -> Set<String> {
        var names: Set<String> = []
        try await listAll(prefix: prefix) { page in names.formUnion(page.objects.map(\.key.text)) }
        return names
    }
}
