public import NIOCore

/// Bytes of several files, one behind the other as if they were of one.
///
/// A part of it costs nothing, however many slices there are: all parts share the list.
public struct FileSequence: Sendable {
    private let slices: [FileSlice]
    /// Where each slice begins.
    private let starts: [Int]
    private let range: Range<Int>

    /// Slices one behind the other.
    public init(_ slices: [FileSlice]) {
        var starts: [Int] = []
        starts.reserveCapacity(slices.count)
        var length = 0
        for slice in slices {
            starts.append(length)
            length += slice.length
        }
        self.slices = slices
        self.starts = starts
        range = 0..<length
    }

    /// The bytes of one slice.
    public init(_ slice: FileSlice) { self.init([slice]) }

    private init(_ whole: FileSequence, _ range: Range<Int>) {
        slices = whole.slices
        starts = whole.starts
        self.range = range
    }

    /// How many bytes there are.
    public var length: Int { range.count }

    /// Some of the bytes, those of the range that there are.
    public func subsequence(_ part: Range<Int>) -> FileSequence {
        let known = part.clamped(to: 0..<length)
        let start = range.lowerBound + known.lowerBound
        return FileSequence(self, start..<start + known.count)
    }

    /// The first bytes that lie together in one file: at most so many, and none only where there are none.
    ///
    /// - Complexity: O(log *n*) in the slices.
    public func first(_ count: Int) -> FileSlice? {
        guard !range.isEmpty, let index = index(of: range.lowerBound) else { return slices.first?.subslice(0..<0) }
        let start = range.lowerBound - starts[index]
        let end = min(slices[index].length, start + min(count, range.count))
        return slices[index].subslice(start..<end)
    }

    /// Reads some of the bytes.
    ///
    /// Blocks, so not for event loops.
    ///
    /// - Parameter range: which, counted from the beginning.
    /// - Returns: that many bytes.
    /// - Throws: as ``FileSlice/read(_:)``.
    public func read(_ range: Range<Int>) throws(StorageFailure) -> ByteBuffer {
        guard range.lowerBound >= 0, range.upperBound <= length else { throw .outOfBounds(range, length: length) }
        var bytes = ByteBufferAllocator().buffer(capacity: range.count)
        var rest = subsequence(range)
        while rest.length > 0, let slice = rest.first(rest.length) {
            bytes.writeImmutableBuffer(try slice.read(0..<slice.length))
            rest = rest.subsequence(slice.length..<rest.length)
        }
        return bytes
    }

    /// The slice that a byte is in: the last one that begins at it or before, so never an empty one in front of others.
    private func index(of position: Int) -> Int? {
        var (low, high) = (0, starts.count)
        while low < high {
            let middle = (low + high) / 2
            if starts[middle] <= position { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? low - 1 : nil
    }
}
