public import LiveStore
public import MediaCore
internal import NIOCore
public import Storage
internal import Synchronization

/// Writes a recording while it is being made.
///
/// Nothing here blocks or fails: what the disk does not take is missing in the recording and nowhere else.
///
/// Order of writes: a part's bytes, then its entry in the journal. So an entry tells of bytes that are there, whenever the
/// process ends.
public final class RecordingWriter: Sendable {
    private struct State {
        var isOpen: Bool
        var hasEnded = false
        var logs: [Rendition.ID: SegmentLog] = [:]
        /// The newest files of before.
        var lastFiles: [Rendition.ID: UInt32]
        var duration: MediaTime
        var byteCount: Int64
    }

    /// What it writes.
    public let recording: Recording

    private let storage: MediaStorage
    private let journal: Journal
    private let state: Mutex<State>

    /// A writer that begins a recording, or goes on with one.
    init(_ recording: Recording, after contents: JournalContents?, storage: MediaStorage) {
        self.recording = recording
        self.storage = storage
        journal = Journal(
            path: "\(recording.folder)/\(RecordingFolder.journal)",
            length: contents?.byteCount ?? 0,
            storage: storage
        )
        state = Mutex(
            State(
                isOpen: contents != nil,
                lastFiles: contents == nil ? [:] : Self.lastFiles(in: recording.folder),
                duration: contents?.duration ?? .zero,
                byteCount: recording.facts.byteCount
            )
        )
    }

    /// The numbers of the newest media files in a folder, also of such as the journal knows nothing of.
    private static func lastFiles(in folder: String) -> [Rendition.ID: UInt32] {
        var numbers: [Rendition.ID: UInt32] = [:]
        for name in Folder.names(in: folder) {
            guard let (rendition, number) = RecordingFolder.media(named: name) else { continue }
            numbers[rendition] = max(numbers[rendition] ?? 0, number)
        }
        return numbers
    }

    /// Notes what stays the same for the whole live, once.
    ///
    /// - Parameter opening: gives it.
    public func open(_ opening: (RecordingID) -> JournalEntry.Opening) {
        let isFirst = state.withLock { state in
            defer { state.isOpen = true }
            return !state.isOpen
        }
        if isFirst { journal.append(JournalEntry.opening(opening(recording.id)).bytes, isPreamble: true) }
    }

    /// Notes that the encoder or the server is back.
    public func resume(after cause: RecordingFacts.Gap.Cause, at time: WallClockTime) {
        journal.append(JournalEntry.resumption(cause, at: time).bytes)
    }

    /// Notes that nothing more will come.
    ///
    /// - Parameters:
    ///   - time: now.
    ///   - written: called on the writer's thread when all is written or lost; not called when it has ended before.
    public func end(at time: WallClockTime, _ written: @escaping @Sendable () -> Void) {
        let isFirst = state.withLock { state in
            defer { state.hasEnded = true }
            return !state.hasEnded
        }
        guard isFirst else { return }
        journal.append(JournalEntry.end(at: time).bytes)
        storage.afterwards(written)
    }

    /// Calls something on the writer's thread when all that came before is written or lost.
    public func afterwards(_ body: @escaping @Sendable () -> Void) { storage.afterwards(body) }

    /// Makes what was written outlast a crash of the machine: media first, then what tells of it.
    ///
    /// Blocks.
    public func synchronize() {
        for log in state.withLock({ Array($0.logs.values) }) { log.synchronize() }
        journal.synchronize()
    }

    /// Writes a rendition.
    public func recorder(of rendition: Rendition.ID) -> RenditionRecorder {
        RenditionRecorder(rendition, writer: self, log: log(of: rendition), journal: journal)
    }

    private func log(of rendition: Rendition.ID) -> SegmentLog {
        state.withLock { state in
            if let known = state.logs[rendition] { return known }
            let log = SegmentLog(
                stem: "\(recording.folder)/\(rendition)",
                after: state.lastFiles[rendition] ?? 0,
                journal: journal,
                storage: storage,
                made: { [recording] number, file in
                    recording.adopt(file, named: RecordingFolder.media(of: rendition, number: number))
                }
            )
            state.logs[rendition] = log
            return log
        }
    }

    /// Counts a segment of the primary tracks, or the bytes of another one.
    fileprivate func count(_ duration: MediaTime, byteCount: Int) {
        let (duration, byteCount) = state.withLock { state in
            state.duration += duration
            state.byteCount += Int64(byteCount)
            return (state.duration, state.byteCount)
        }
        _ = recording.change { facts in
            facts.duration = duration.nanoseconds
            facts.byteCount = byteCount
        }
    }
}

/// Writes one rendition of a recording, part by part; belongs to the event loop of the live.
public struct RenditionRecorder {
    private let rendition: Rendition.ID
    private let writer: RecordingWriter
    private let log: SegmentLog
    private let journal: Journal
    /// The initialization segment that was noted last, and its number.
    private var initialization: (resource: StoredResource, number: UInt32)?
    private var variant: String?
    private var segmentByteCount = 0
    private var isFirst = true

    init(_ rendition: Rendition.ID, writer: RecordingWriter, log: SegmentLog, journal: Journal) {
        self.rendition = rendition
        self.writer = writer
        self.log = log
        self.journal = journal
    }

    /// Begins a segment.
    public mutating func begin(_ segment: UnfinishedSegment) {
        segmentByteCount = 0
        isFirst = true
        let number = note(segment.initialization, usedBy: segment.mediaSequenceNumber)
        let entry = JournalEntry.Segment(
            rendition: rendition,
            mediaSequenceNumber: segment.mediaSequenceNumber,
            programDateTime: segment.programDateTime,
            initialization: number,
            isIndependent: segment.isIndependent,
            isDiscontinuous: segment.isDiscontinuous,
            statesMap: segment.statesMap
        )
        journal.append(JournalEntry.segment(entry).bytes)
    }

    private mutating func note(_ resource: StoredResource, usedBy mediaSequenceNumber: Int) -> UInt32 {
        if let initialization, initialization.resource === resource { return initialization.number }
        let number = UInt32(clamping: mediaSequenceNumber)
        let entry = JournalEntry.Initialization(
            rendition: rendition,
            number: number,
            name: resource.name,
            body: resource.body
        )
        journal.append(JournalEntry.initialization(entry).bytes, isPreamble: true)
        initialization = (resource, number)
        return number
    }

    /// Adds a part to the segment.
    ///
    /// - Parameters:
    ///   - part: the part.
    ///   - dateRanges: what the encoder said during it.
    ///   - keyframeLength: how many of its first bytes show its first picture, if that is a sync sample; else 0.
    ///   - segmentDuration: the length of the segment, when this is its last part.
    /// - Returns: with the last part, what tells where the segment is.
    public mutating func append(
        _ part: PartialSegment,
        dateRanges: [DateRange],
        keyframeLength: Int,
        segmentDuration: MediaTime?
    ) -> FiledBytes? {
        segmentByteCount += part.resource.byteCount
        defer { isFirst = false }
        if let segmentDuration {
            writer.count(rendition == JournalContents.primary ? segmentDuration : .zero, byteCount: segmentByteCount)
        }
        let length = UInt32(clamping: part.resource.byteCount)
        let (rendition, duration, isIndependent) = (rendition, part.duration, part.isIndependent)
        return log.append(
            part.resource.pieces,
            isFirst: isFirst,
            segmentByteCount: segmentDuration.map { _ in segmentByteCount }
        ) { location in
            let entry = JournalEntry.Part(
                rendition: rendition,
                file: location?.file ?? 0,
                offset: location?.offset ?? 0,
                length: length,
                keyframeLength: UInt32(clamping: keyframeLength),
                duration: duration,
                segmentDuration: segmentDuration ?? .zero,
                isIndependent: isIndependent,
                dateRanges: dateRanges
            )
            return JournalEntry.part(entry).bytes
        }
    }

    /// Notes what the multivariant playlist says of the rendition from now on.
    public mutating func note(variant text: String) {
        guard text != variant else { return }
        variant = text
        journal.append(JournalEntry.variant(rendition, text).bytes)
    }
}

@available(*, unavailable)
extension RenditionRecorder: Sendable {}
