internal import LiveStore
internal import MediaCore
internal import Recordings

/// In which order the segments of a recording's renditions stand in a download.
///
/// One rendition stands there as it is. Several take turns, so that who plays while loading finds sound near its pictures.
struct DownloadLayout {
    /// How much of a rendition stands together where there are several, in nanoseconds.
    private static let shortestTurn: Int64 = 8_000_000_000
    /// How many turns there are at most: their number is what a download's list of pieces has, however long it is.
    private static let mostTurns: Int64 = 4096

    /// A segment at its place.
    struct Segment: Hashable {
        /// Which rendition, by its place in the list of renditions.
        let source: Int
        let location: SegmentLocation
        /// Where it begins, counted from the beginning of the media.
        let position: UInt64
    }

    /// Bytes of a file that follow each other in the download as well.
    struct Piece: Hashable {
        let source: Int
        let file: UInt32
        let offset: UInt64
        var length: UInt64
    }

    private(set) var segments: [Segment] = []
    private(set) var pieces: [Piece] = []
    /// The bytes of all segments.
    private(set) var length: UInt64 = 0

    /// The order of segments.
    ///
    /// - Parameter renditions: the locations of each, in order; those that are lost are left out.
    init(_ renditions: [[SegmentLocation]]) {
        let end = renditions.compactMap(\.last).map { $0.start.nanoseconds + $0.duration.nanoseconds }.max() ?? 0
        let turn = renditions.count == 1 ? Int64.max : max(Self.shortestTurn, end / Self.mostTurns + 1)
        segments.reserveCapacity(renditions.reduce(0) { $0 + $1.count })
        var rest = renditions.map { $0[...] }
        while rest.contains(where: { !$0.isEmpty }) {
            // The turn in which the earliest of them begins.
            let next = rest.compactMap(\.first?.start.nanoseconds).min() ?? 0
            let (limit, isBeyond) = (next / turn * turn).addingReportingOverflow(turn)
            for source in rest.indices {
                while let location = rest[source].first, isBeyond || location.start.nanoseconds < limit {
                    rest[source].removeFirst()
                    append(location, of: source)
                }
            }
        }
    }

    private mutating func append(_ location: SegmentLocation, of source: Int) {
        guard !location.isLost, location.length > 0 else { return }
        segments.append(Segment(source: source, location: location, position: length))
        length += UInt64(location.length)
        if let last = pieces.last, last.source == source, last.file == location.file,
            last.offset + last.length == location.offset
        {
            pieces[pieces.count - 1].length += UInt64(location.length)
        } else {
            pieces.append(
                Piece(source: source, file: location.file, offset: location.offset, length: UInt64(location.length))
            )
        }
    }
}
