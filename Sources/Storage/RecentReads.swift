internal import NIOCore

/// Which blocks of a file were read of late, so that the page cache has them.
///
/// An event loop that has the system send from a file (sendfile(2)) must not wait for the disk. Nothing cheap and portable tells
/// whether the page cache has bytes; that they were read some seconds ago does, but for a machine that has hardly any memory left.
struct RecentReads {
    /// What is remembered as one, in bytes.
    static let blockSize = 256 << 10
    /// For how long the page cache is trusted: it drops what was used least recently, and what was read a moment ago was not.
    static let lifetime = TimeAmount.seconds(10)
    /// How many blocks are remembered at most: those of 256 MiB, which few viewers read in ``lifetime``.
    private static let limit = 1024

    private var readAt: [Int: NIODeadline] = [:]

    /// Whether these bytes, counted from the file's beginning, were read of late.
    func has(_ range: Range<Int>, now: NIODeadline) -> Bool {
        Self.blocks(of: range).allSatisfy { block in readAt[block].map { now - $0 < Self.lifetime } ?? false }
    }

    /// The bytes of a range were read, with those around it that are in the same blocks.
    mutating func note(_ range: Range<Int>, now: NIODeadline) {
        if readAt.count >= Self.limit { readAt = readAt.filter { now - $0.value < Self.lifetime } }
        if readAt.count >= Self.limit { readAt.removeAll() }
        for block in Self.blocks(of: range) { readAt[block] = now }
    }

    /// The bytes of a range with those around it that are in the same blocks.
    static func whole(_ range: Range<Int>) -> Range<Int> {
        let blocks = blocks(of: range)
        return blocks.lowerBound * blockSize..<blocks.upperBound * blockSize
    }

    private static func blocks(of range: Range<Int>) -> Range<Int> {
        let first = range.lowerBound / blockSize
        return first..<(range.isEmpty ? first : (range.upperBound - 1) / blockSize + 1)
    }
}
