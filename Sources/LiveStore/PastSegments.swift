public import MediaCore
internal import NIOCore

/// A segment that is held in memory no longer.
public struct PastSegment: Sendable {
    /// See ``MediaSegment/mediaSequenceNumber``.
    public let mediaSequenceNumber: Int
    /// See ``MediaSegment/duration``.
    public let duration: MediaTime
    /// See ``MediaSegment/isIndependent``.
    public let isIndependent: Bool
    /// See ``MediaSegment/isDiscontinuous``.
    public let isDiscontinuous: Bool
    /// See ``MediaSegment/dateRanges``.
    public let dateRanges: [DateRange]
    /// See ``MediaSegment/initialization``.
    public let initialization: StoredResource
    /// Its bytes.
    public let resource: FiledResource
    /// See ``MediaSegment/Lines/statesMap``.
    let statesMap: Bool
}

/// The segments of a live that lie on disk, oldest first, in blocks that never change.
///
/// Hours of a live are thousands of segments, and a window is copied with each part: so all but the newest few are shared
/// between the copies, together with the lines that playlists have of them.
struct PastSegments: Sendable {
    /// How many segments a block has: two minutes of segments of 2 s.
    static let blockSize = 64

    /// Lines of some segments behind each other.
    private struct Lines {
        private(set) var bytes = ByteBuffer()
        /// Where each segment's lines begin.
        private var beginnings: [Int] = []

        mutating func append(_ lines: ByteBuffer...) {
            beginnings.append(bytes.readableBytes)
            for line in lines { bytes.writeImmutableBuffer(line) }
        }

        /// The lines of the segment of an index and of those behind it.
        func suffix(from index: Int) -> ByteBuffer {
            var rest = bytes
            rest.moveReaderIndex(forwardBy: beginnings[index])
            return rest
        }
    }

    /// Some segments behind each other, with what playlists say of them.
    private struct Run {
        var segments: [PastSegment] = []
        var lines = Lines()
        var dateRanges = Lines()

        var firstNumber: Int { segments.first?.mediaSequenceNumber ?? .max }
        var lastNumber: Int { segments.last?.mediaSequenceNumber ?? .min }

        func segment(_ number: Int) -> PastSegment? {
            let index = index(from: number)
            return index < segments.count && segments[index].mediaSequenceNumber == number ? segments[index] : nil
        }

        /// The index of the first segment with at least a number.
        func index(from number: Int) -> Int { segments.partitioningIndex { $0.mediaSequenceNumber >= number } }
    }

    /// A run that is complete.
    private final class Block: Sendable {
        let run: Run
        let text: PlaylistText

        init(_ run: Run) {
            self.run = run
            text = PlaylistText(.segments(first: run.firstNumber), run.lines.bytes, isLasting: true)
        }
    }

    private var blocks: [Block] = []
    /// What will be the next block.
    private var open = Run()

    /// Adds a segment that was held in memory until now; later than all that are here.
    mutating func append(_ segment: MediaSegment, _ resource: FiledResource) {
        open.segments.append(
            PastSegment(
                mediaSequenceNumber: segment.mediaSequenceNumber,
                duration: segment.duration,
                isIndependent: segment.isIndependent,
                isDiscontinuous: segment.isDiscontinuous,
                dateRanges: segment.dateRanges,
                initialization: segment.initialization,
                resource: resource,
                statesMap: segment.lines.statesMap
            )
        )
        open.lines.append(segment.lines.opening, segment.lines.closing)
        open.dateRanges.append(segment.lines.dateRanges)
        guard open.segments.count == Self.blockSize else { return }
        blocks.append(Block(open))
        open = Run()
    }

    /// Forgets whole blocks of segments with numbers below one.
    mutating func forget(before number: Int) {
        let count = firstBlock(with: number)
        if count > 0 { blocks.removeFirst(count) }
    }

    // MARK: - Looking up

    /// The segment of a number.
    func segment(_ number: Int) -> PastSegment? {
        if number >= open.firstNumber { return open.segment(number) }
        let index = firstBlock(with: number)
        return index < blocks.count ? blocks[index].run.segment(number) : nil
    }

    /// All segments from a number on, oldest first.
    func segments(from number: Int) -> some Sequence<PastSegment> {
        (blocks.suffix(from: firstBlock(with: number)).map(\.run) + [open]).lazy.flatMap(\.segments)
            .filter { $0.mediaSequenceNumber >= number }
    }

    /// The first block with a segment of at least a number.
    private func firstBlock(with number: Int) -> Int { blocks.partitioningIndex { $0.run.lastNumber >= number } }

    // MARK: - Lines

    /// What playlists that begin with a segment say of it and those behind it; the lines of whole blocks are shared.
    func texts(from number: Int) -> [PlaylistText] {
        var texts = blocks.suffix(from: firstBlock(with: number)).map { block in
            block.run.firstNumber >= number ? block.text : Self.text(from: number, block.run)
        }
        if open.lastNumber >= number { texts.append(Self.text(from: number, open)) }
        return texts
    }

    /// What was said during the segments from a number on.
    func dateRangeLines(from number: Int) -> [ByteBuffer] {
        let runs = blocks.suffix(from: firstBlock(with: number)).map(\.run) + (open.lastNumber >= number ? [open] : [])
        return runs.map { $0.dateRanges.suffix(from: $0.index(from: number)) }.filter { $0.readableBytes > 0 }
    }

    private static func text(from number: Int, _ run: Run) -> PlaylistText {
        let index = run.index(from: number)
        return PlaylistText(
            .segments(first: run.segments[index].mediaSequenceNumber),
            run.lines.suffix(from: index)
        )
    }
}

extension Array {
    /// The index of the first element that belongs to the second part of an array that has those parts in order.
    ///
    /// - Complexity: O(log *n*).
    fileprivate func partitioningIndex(where belongsToSecondPart: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if belongsToSecondPart(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
