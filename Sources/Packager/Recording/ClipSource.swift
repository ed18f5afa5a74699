internal import LiveStore
internal import MediaCore
internal import NIOCore
public import Recordings
public import Storage

/// What a clip is made of: the indexes, playlists and initialization segments of a recording.
///
/// Of a recording that is complete they lie in its folder. Of one that is still being made they are what they would be if it
/// ended now, in memory.
public struct ClipSource: Sendable {
    /// The recording whose media it tells of.
    public let recording: Recording
    private let files: [String: ByteBuffer]?

    /// A recording as far as it has come.
    ///
    /// Blocks.
    ///
    /// - Parameters:
    ///   - recording: the recording.
    ///   - catalog: what it is of.
    /// - Throws: ``StorageFailure`` when its journal cannot be read.
    public init(_ recording: Recording, in catalog: RecordingCatalog) throws(StorageFailure) {
        self.recording = recording
        guard recording.facts.state == .recording else {
            files = nil
            return
        }
        let contents: JournalContents?
        do throws(StorageFailure) {
            contents = try catalog.journal(of: recording.id)
        } catch {
            // It may have become complete in between, or have nothing yet.
            guard error.isAbsence else { throw error }
            contents = nil
        }
        let completion = contents.flatMap { RecordingCompletion($0) }
        if completion == nil, recording.facts.state == .ready {
            files = nil
        } else {
            files = Dictionary((completion?.files ?? []).map { ($0.name, $0.bytes) }) { $1 }
        }
    }

    /// The renditions, that of the primary tracks first.
    var renditions: [Rendition.ID] {
        guard let files else { return RecordingFolder.renditions(in: recording.folder) }
        return RecordingFolder.renditions(among: Array(files.keys))
    }

    /// A file's bytes; `nil` when there is none of this name.
    ///
    /// Blocks.
    func file(named name: String) throws(StorageFailure) -> ByteBuffer? {
        if let files { return files[name] }
        do throws(StorageFailure) {
            let file = try recording.file(named: name).whole
            return try file.read(0..<file.length)
        } catch {
            guard error.isAbsence else { throw error }
            return nil
        }
    }

    /// The locations of a rendition's segments.
    ///
    /// Blocks.
    func locations(in rendition: Rendition.ID) throws(StorageFailure) -> [SegmentLocation] {
        guard var records = try file(named: RecordingFolder.index(of: rendition)) else { return [] }
        var locations: [SegmentLocation] = []
        while let location = SegmentIndex.read(from: &records) { locations.append(location) }
        return locations
    }

    /// When a segment's samples are shown; `nil` for one that is lost.
    ///
    /// Blocks.
    func times(
        of location: SegmentLocation,
        in rendition: Rendition.ID
    ) throws(FragmentHeaders.Failure) -> SegmentTimes? {
        let name = RecordingFolder.initialization(of: rendition, number: location.initialization)
        let (segment, initialization): (FileSlice?, ByteBuffer?)
        do throws(StorageFailure) {
            segment = try recording.segment(at: location, in: rendition)
            initialization = try file(named: name)
        } catch {
            throw .storage(error)
        }
        guard let segment, let initialization else { return nil }
        return try SegmentTimes(of: segment, initialization: initialization)
    }
}
