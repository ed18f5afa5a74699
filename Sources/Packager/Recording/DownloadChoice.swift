internal import LiveStore
internal import NIOCore
internal import Recordings
internal import Storage

/// Which renditions a download is made of.
struct DownloadChoice: Hashable {
    /// A rendition of the recording, as the choice sees it.
    struct Candidate: Hashable {
        let id: Rendition.ID
        /// How many segments it has that are not lost.
        let segmentCount: Int
        /// Width times height; 0 without pictures.
        var pictureSize = 0
    }

    let renditions: [Rendition.ID]

    /// What the prepared file is named by.
    var key: String { renditions.count == 1 ? "\(renditions[0])" : "all" }

    /// The renditions that were asked for, or the best there are: the primary tracks together, or, where there are several
    /// sounds, the largest picture with all of them.
    ///
    /// - Parameters:
    ///   - candidates: what there is.
    ///   - wanted: what was asked for.
    init?(among candidates: [Candidate], wanted: Rendition.ID?) {
        if let wanted {
            guard candidates.contains(where: { $0.id == wanted }) else { return nil }
            renditions = [wanted]
            return
        }
        let primary = candidates.first { $0.id == Rendition.ID(.muxed) }
        // What lacks a twentieth of what the primary tracks have is no better than these: it began later, or failed.
        let complete = candidates.filter { 20 * $0.segmentCount >= 19 * (primary?.segmentCount ?? 0) }
        let hasSound = complete.contains { $0.id.form == .audio }
        let sounds = hasSound ? candidates.filter { $0.id.form == .audio }.map(\.id).sorted { $0.index < $1.index } : []
        let picture = complete.filter { $0.id.form == .video }
            .max { ($0.pictureSize, $1.id.index) < ($1.pictureSize, $0.id.index) }
        if !sounds.isEmpty, picture != nil || primary.map({ $0.pictureSize == 0 }) ?? true {
            renditions = [picture?.id].compactMap(\.self) + sounds
        } else if let only = primary ?? picture ?? candidates.min(by: { $0.id.index < $1.id.index }) {
            renditions = [only.id]
        } else {
            return nil
        }
    }
}

extension DownloadChoice {
    /// The choice among what lies in a recording's folder.
    ///
    /// Blocks.
    init?(of recording: Recording, wanted: Rendition.ID?) throws(StorageFailure) {
        let ids = RecordingFolder.renditions(in: recording.folder)
        if let wanted {
            self.init(among: ids.map { Candidate(id: $0, segmentCount: 0) }, wanted: wanted)
            return
        }
        var candidates: [Candidate] = []
        for id in ids {
            // One alone needs no comparing.
            guard ids.count > 1 else {
                candidates.append(Candidate(id: id, segmentCount: 0))
                break
            }
            var candidate = Candidate(id: id, segmentCount: try Self.segmentCount(of: id, in: recording))
            if id.form != .audio { candidate.pictureSize = try Self.pictureSize(of: id, in: recording) }
            candidates.append(candidate)
        }
        self.init(among: candidates, wanted: nil)
    }

    private static func segmentCount(of id: Rendition.ID, in recording: Recording) throws(StorageFailure) -> Int {
        let index = try recording.file(named: RecordingFolder.index(of: id)).whole
        let records = try index.read(0..<index.length)
        // The number of the file comes first in each, and is 0 where the segment is lost.
        return stride(from: records.readerIndex, to: records.writerIndex, by: SegmentIndex.recordSize)
            .count { records.getInteger(at: $0, as: UInt32.self) != 0 }
    }

    private static func pictureSize(of id: Rendition.ID, in recording: Recording) throws(StorageFailure) -> Int {
        guard let first = try recording.location(of: 0, in: id),
            let bytes = try? recording.initialization(first.initialization, of: id),
            let templates = try? TrackTemplate.templates(of: bytes)
        else { return 0 }
        return templates.map { Int($0.width >> 16) * Int($0.height >> 16) }.max() ?? 0
    }
}

extension RecordingFolder {
    /// The renditions that a folder has an index of, that of the primary tracks first.
    static func renditions(in folder: String) -> [Rendition.ID] { renditions(among: Folder.names(in: folder)) }

    /// The renditions whose index is among some names.
    static func renditions(among names: [String]) -> [Rendition.ID] {
        names.compactMap { name in
            guard name.utf8.suffix(6).elementsEqual(".index".utf8) else { return nil }
            return Rendition.ID(name.dropLast(6))
        }
        .sorted { ($0.form.place, $0.index) < ($1.form.place, $1.index) }
    }
}

extension Rendition.Form {
    fileprivate var place: Int {
        switch self {
        case .muxed: 0
        case .video: 1
        case .audio: 2
        }
    }
}

extension Recording {
    /// The largest initialization segment that is read: real ones have a few kilobytes.
    private static let largestInitialization = 1 << 20

    /// An initialization segment; `nil` for one that is too large to be one.
    ///
    /// Blocks.
    func initialization(_ number: UInt32, of id: Rendition.ID) throws(StorageFailure) -> ByteBuffer? {
        let file = try file(named: RecordingFolder.initialization(of: id, number: number)).whole
        guard file.length <= Self.largestInitialization else { return nil }
        return try file.read(0..<file.length)
    }
}
