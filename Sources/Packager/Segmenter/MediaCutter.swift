internal import MediaCore

/// Cuts what is published: a live as it comes, or a file.
struct MediaCutter {
    private var live: RenditionSegmenter?
    private var file: FileSegmenter?

    /// A cutter for a live.
    init(_ live: RenditionSegmenter) { self.live = live }

    /// A cutter for a file.
    init(_ file: FileSegmenter) { self.file = file }

    /// Whether it is a file: its time of day is stated, not measured.
    var isFile: Bool { file != nil }

    /// EXT-X-TARGETDURATION, once it is known.
    var targetDuration: Int? { live?.primary.policy.targetDuration ?? file?.targetDuration }
    /// PART-TARGET, once it is fixed; `nil` without parts.
    var partTarget: MediaTime? { live?.primary.partTarget }
    /// Frames of silence that stand in for missing sound.
    var silentFrames: Int { live?.primary.silentFrames ?? file?.silentFrames ?? 0 }
    /// Access units that no segment has.
    var droppedAccessUnits: Int { live?.droppedAccessUnits ?? file?.droppedAccessUnits ?? 0 }
    /// Whether a track was left out because there were too many.
    var hasRefusedTracks: Bool { live?.refusedTracks.isEmpty == false }

    /// Where a moment of the publisher's clock lies on the timeline; `nil` before there is one.
    func liveTime(of time: MediaTime) -> MediaTime? {
        live.map { $0.primary.liveTime(of: time) } ?? file?.liveTime(of: time)
    }

    /// Takes the configuration that a track has from now on.
    mutating func configure(_ track: Track) {
        live?.configure(track)
        file?.configure(track)
    }

    /// Takes one access unit.
    mutating func receive(_ unit: AccessUnit) -> [PartSet] { live?.receive(unit) ?? file?.receive(unit) ?? [] }

    /// Takes note that nothing more of a track will come for now.
    mutating func leave(_ id: TrackID) { live?.leave(id) }

    /// Ends the segment that is being filled.
    mutating func finish() -> [PartSet] { live?.finish() ?? file?.finish() ?? [] }
}
