public import LiveStore
internal import MediaCore
internal import NIOCore
public import Recordings
public import Storage

/// Why a recording cannot be had as one file.
public enum DownloadFailure: Error, Hashable, CustomStringConvertible {
    /// It is still being made.
    case unfinished
    /// There is no such rendition.
    case noSuchRendition
    /// There is nothing in it.
    case empty
    /// The disk failed.
    case storage(StorageFailure)
    /// A segment is not what the recording says.
    case unreadable(String)
    /// Whoever asked for it does not want it any more.
    case cancelled

    /// The problem in words.
    public var description: String {
        switch self {
        case .unfinished: "the recording is still being made"
        case .noSuchRendition: "the recording has no such rendition"
        case .empty: "the recording has no media"
        case .storage(let failure): "\(failure)"
        case .unreadable(let what): what
        case .cancelled: "it was cancelled"
        }
    }
}

/// A recording as one MP4 file that plays while it is loaded, without a byte of media copied.
///
/// Its beginning is a file of its own in the recording's folder; behind that come the recording's segments as they lie there.
public struct RecordingDownload: Sendable {
    /// Its bytes.
    public let bytes: FileSequence
    /// Changes with its bytes; without quotes.
    public let entityTag: String

    /// What is made of what.
    struct Plan {
        let recording: Recording
        let facts: RecordingFacts
        let choice: DownloadChoice
        let fingerprint: UInt64

        var name: String { DownloadFile.name(of: choice.key) }
    }

    /// The version of what is written: a change of it makes all files anew.
    private static let version: Int64 = 1

    // MARK: - Looking

    /// The download, if it has been prepared.
    ///
    /// Blocks for a few reads.
    ///
    /// - Parameters:
    ///   - recording: the recording.
    ///   - rendition: which of its renditions; `nil` for the best there is.
    /// - Returns: the download; `nil` before it is prepared for what the recording is now.
    /// - Throws: ``DownloadFailure`` when there can be none.
    public static func prepared(
        _ recording: Recording,
        rendition: Rendition.ID? = nil
    ) throws(DownloadFailure) -> RecordingDownload? {
        try RecordingDownload(plan(recording, rendition))
    }

    init?(_ plan: Plan) throws(DownloadFailure) {
        do throws(StorageFailure) {
            let file = try plan.recording.file(named: plan.name)
            guard let (footer, pieces) = try DownloadFile.readEnd(of: file),
                footer.fingerprint == plan.fingerprint,
                let beginning = file.slice(offset: 0, length: Int(footer.beginningLength)),
                let media = try Self.slices(pieces, of: plan)
            else { return nil }
            bytes = FileSequence([beginning] + media)
            guard UInt64(bytes.length) == footer.beginningLength + footer.mediaLength else { return nil }
            entityTag = "\(String(footer.fingerprint, radix: 16))-\(String(bytes.length, radix: 16))"
        } catch {
            guard error.isAbsence else { throw .storage(error) }
            return nil
        }
    }

    private static func slices(
        _ pieces: [DownloadLayout.Piece],
        of plan: Plan
    ) throws(StorageFailure) -> [FileSlice]? {
        struct Key: Hashable {
            let source: Int
            let number: UInt32
        }
        var files: [Key: KeptFile] = [:]
        var slices: [FileSlice] = []
        slices.reserveCapacity(pieces.count + 1)
        for piece in pieces {
            guard plan.choice.renditions.indices.contains(piece.source) else { return nil }
            let key = Key(source: piece.source, number: piece.file)
            let name = RecordingFolder.media(of: plan.choice.renditions[piece.source], number: piece.file)
            let file = if let known = files[key] { known } else { try plan.recording.file(named: name) }
            files[key] = file
            guard let offset = Int(exactly: piece.offset), let length = Int(exactly: piece.length),
                let slice = file.slice(offset: offset, length: length)
            else { return nil }
            slices.append(slice)
        }
        return slices
    }

    static func plan(_ recording: Recording, _ rendition: Rendition.ID?) throws(DownloadFailure) -> Plan {
        let facts = recording.facts
        guard facts.state == .ready else { throw .unfinished }
        let plan: Plan?
        do throws(StorageFailure) {
            plan = try DownloadChoice(of: recording, wanted: rendition).map { (choice) throws(StorageFailure) in
                let fingerprint = try fingerprint(of: recording, facts, choice)
                return Plan(recording: recording, facts: facts, choice: choice, fingerprint: fingerprint)
            }
        } catch {
            throw .storage(error)
        }
        guard let plan else { throw rendition == nil ? .empty : .noSuchRendition }
        return plan
    }

    private static func fingerprint(
        of recording: Recording,
        _ facts: RecordingFacts,
        _ choice: DownloadChoice
    ) throws(StorageFailure) -> UInt64 {
        var fingerprint = Fingerprint()
        fingerprint.add(version)
        fingerprint.add(facts.id.text)
        fingerprint.add(facts.title)
        fingerprint.add(facts.startedAt)
        fingerprint.add(facts.cut?.start ?? -1)
        fingerprint.add(facts.cut?.duration ?? -1)
        for id in choice.renditions {
            fingerprint.add("\(id)")
            // Of a recording that is ready no index changes.
            fingerprint.add(Int64(try recording.file(named: RecordingFolder.index(of: id)).byteCount))
        }
        return fingerprint.value
    }
}
