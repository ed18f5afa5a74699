internal import MediaCore

/// Cuts what is published: a live as it comes, or a file.
struct MediaCutter: ~Copyable {
    private var live: RenditionSegmenter?
    private var file: FileSegmenter?

    /// A cutter for a live.
    init(_ live: consuming RenditionSegmenter) { self.live = consume live }

    /// A cutter for a file.
    init(_ file: FileSegmenter) { self.file = file }

    /// Whether it is a file: its time of day is stated, not measured.
    var isFile: Bool { read(live: { _ in false }, file: { _ in true }) }

    /// EXT-X-TARGETDURATION, once it is known.
    var targetDuration: Int? { read(live: { $0.primary.policy.targetDuration }, file: \.targetDuration) }
    /// PART-TARGET, once it is fixed; `nil` without parts.
    var partTarget: MediaTime? { read(live: { $0.primary.partTarget }, file: { _ in nil }) }
    /// Frames of silence that stand in for missing sound.
    var silentFrames: Int { read(live: { $0.primary.silentFrames }, file: \.silentFrames) }
    /// Access units that no segment has.
    var droppedAccessUnits: Int { read(live: { $0.droppedAccessUnits }, file: \.droppedAccessUnits) }
    /// Whether a track was left out because there were too many.
    var hasRefusedTracks: Bool { read(live: { !$0.refusedTracks.isEmpty }, file: { _ in false }) }

    /// Where a moment of the publisher's clock lies on the timeline; `nil` before there is one.
    func liveTime(of time: MediaTime) -> MediaTime? {
        read(live: { $0.primary.liveTime(of: time) }, file: { $0.liveTime(of: time) })
    }

    private func read<Value>(
        live ofLive: (borrowing RenditionSegmenter) -> Value,
        file ofFile: (FileSegmenter) -> Value
    ) -> Value {
        switch live {
        case .some(let live): return ofLive(live)
        case .none:
            guard let file else { preconditionFailure("each initializer sets one of the two") }
            return ofFile(file)
        }
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
