import LiveStore
import Logging
import MediaCore
import NIOCore
import Recordings
import Storage
import TestSupport

@testable import Packager

/// Recordings in a folder of their own, put together by hand.
final class TestRecordings: Sendable {
    let folder: TemporaryFolder
    let storage: MediaStorage
    let catalog: RecordingCatalog

    init() throws {
        folder = try TemporaryFolder()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        storage = try MediaStorage(directory: folder.file("media"), logger: logger)
        catalog = try RecordingCatalog(
            directory: folder.file("recordings"),
            storage: storage,
            randomBytes: { count in (0..<count).map { _ in UInt8.random(in: 0...255) } },
            logger: logger
        )
    }

    /// A recording of renditions that were written by hand.
    func make(title: String = "A title", _ renditions: WrittenRendition...) throws -> Recording {
        let recording = try catalog.make { id in
            RecordingFacts(id: id, stream: "main", title: title, source: .live, startedAt: 1_700_000_000_000)
        }
        for rendition in renditions {
            for (name, bytes) in rendition.files { try write(bytes, "\(recording.folder)/\(name)") }
        }
        try catalog.update(recording.id) { facts in
            facts.state = .ready
            facts.duration = renditions.map(\.end.nanoseconds).max() ?? 0
        }
        return recording
    }

    func write(_ bytes: ByteBuffer, _ path: String) throws {
        var file = try NewFile(replacing: path)
        try file.write(bytes)
        try file.complete()
    }
}

/// One rendition of a recording in the making.
struct WrittenRendition {
    let id: Rendition.ID
    /// Media goes on in a new file when it has so many bytes.
    var fileSize = 64 << 20
    private(set) var locations: [SegmentLocation] = []
    private(set) var end = MediaTime.zero
    private var media: [ByteBuffer] = []
    private var initializations: [UInt32: ByteBuffer] = [:]
    private var initialization: UInt32 = 0

    init(_ id: Rendition.ID = Rendition.ID(.muxed)) { self.id = id }

    /// What applies from now on.
    mutating func use(_ initialization: ByteBuffer) {
        self.initialization = UInt32(locations.count)
        initializations[self.initialization] = initialization
    }

    mutating func append(_ bytes: ByteBuffer, lasting duration: MediaTime = .seconds(2)) {
        if media.last.map({ $0.readableBytes + bytes.readableBytes > fileSize }) ?? true { media.append(ByteBuffer()) }
        let offset = media[media.count - 1].readableBytes
        media[media.count - 1].writeImmutableBuffer(bytes)
        add(file: UInt32(media.count), offset: UInt64(offset), length: UInt32(bytes.readableBytes), duration)
    }

    /// Adds a segment whose bytes are written by somebody else, to the first file.
    mutating func append(placedAt offset: Int, length: Int, lasting duration: MediaTime = .seconds(2)) {
        add(file: 1, offset: UInt64(offset), length: UInt32(length), duration)
    }

    mutating func lose(_ duration: MediaTime = .seconds(2)) { add(file: 0, offset: 0, length: 0, duration) }

    private mutating func add(file: UInt32, offset: UInt64, length: UInt32, _ duration: MediaTime) {
        locations.append(
            SegmentLocation(
                file: file,
                initialization: initialization,
                offset: offset,
                length: length,
                keyframeLength: min(length, 1),
                duration: duration,
                start: end,
                isDiscontinuous: initialization == UInt32(locations.count) && initialization > 0,
                isIndependent: true
            )
        )
        end += duration
    }

    /// Its files by name.
    var files: [(String, ByteBuffer)] {
        var index = ByteBuffer()
        for location in locations { SegmentIndex.write(location, to: &index) }
        let playlist = VODPlaylist(rendition: id, segments: locations.map { VODPlaylist.Segment(location: $0) })
        return [
            (RecordingFolder.index(of: id), index), (RecordingFolder.playlist(of: id), playlist.media()),
            (RecordingFolder.multivariantPlaylist, ByteBuffer(string: "#EXTM3U\n")),
        ] + (playlist.iFrames().map { [(RecordingFolder.iFramePlaylist(of: id), $0)] } ?? [])
            + media.enumerated().map { (RecordingFolder.media(of: id, number: UInt32($0 + 1)), $1) }
            + initializations.map { (RecordingFolder.initialization(of: id, number: $0), $1) }
    }

    /// Initialization and media one behind the other: a fragmented file.
    var fragmented: ByteBuffer {
        var bytes = initializations[0] ?? ByteBuffer()
        for file in media { bytes.writeImmutableBuffer(file) }
        return bytes
    }
}
