import NIOCore
import Testing

@testable import Storage

/// What is known of the page cache.
@Suite("Recent reads")
struct RecentReadsTests {
    private let block = RecentReads.blockSize
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    @Test("a range was read when each of its blocks was, and not for ever")
    func ranges() {
        var reads = RecentReads()
        #expect(!reads.has(0..<1, now: start))
        reads.note(block - 1..<block + 1, now: start)
        #expect(reads.has(0..<2 * block, now: start) && !reads.has(0..<2 * block + 1, now: start))
        #expect(RecentReads.whole(block - 1..<block + 1) == 0..<2 * block)
        let later = start + RecentReads.lifetime
        #expect(reads.has(0..<1, now: later - .nanoseconds(1)) && !reads.has(0..<1, now: later))
        reads.note(0..<1, now: later)
        #expect(reads.has(0..<block, now: later) && !reads.has(0..<block + 1, now: later))
        #expect(reads.has(5..<5, now: later), "nothing is always there")
    }

    @Test("of a file that is read from end to end the newest blocks are remembered, and not all")
    func bounded() {
        var reads = RecentReads()
        for index in 0..<10_000 { reads.note(index * block..<(index + 1) * block, now: start) }
        #expect(reads.has(9_999 * block..<10_000 * block, now: start) && !reads.has(0..<1, now: start))
    }
}
