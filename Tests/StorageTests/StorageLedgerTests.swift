import NIOCore
import Testing

@testable import Storage

@Suite("Storage ledger")
struct StorageLedgerTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
    private var ledger: StorageLedger

    init() {
        var limits = StorageLimits()
        limits.backlog = 100
        ledger = StorageLedger(limits: limits)
    }

    @Test("the backlog is full to the byte, and open again at half")
    mutating func backlog() {
        #expect(ledger.offered(60) == (true, nil) && ledger.offered(40) == (true, nil))
        #expect(ledger.offered(0) == (true, nil))
        #expect(ledger.offered(1) == (false, .overrun) && ledger.offered(1) == (false, nil))
        #expect(ledger.figures.isFailing && ledger.figures.bytesLost == 2)
        #expect(ledger.wrote(40) == [], "60 of 100 are more than half")
        #expect(ledger.offered(40) == (true, nil), "there is room, although it is not over")
        #expect(ledger.offered(1) == (false, nil))
        #expect(ledger.wrote(60) == [.caughtUp])
        #expect(!ledger.figures.isFailing && ledger.figures.backlogBytes == 40)
        #expect(ledger.offered(100) == (false, .overrun), "the next time is news")
        #expect(ledger.offered(1 << 40) == (false, nil))
    }

    @Test("a failure is told once, tried again once an interval, and over with the first success")
    mutating func failure() {
        for _ in 0..<5 { _ = ledger.offered(10) }
        #expect(ledger.mayWrite(now: start))
        #expect(ledger.failed(10, now: start) == [.failing])
        #expect(!ledger.mayWrite(now: start + .milliseconds(999)) && ledger.mayWrite(now: start + .seconds(1)))
        #expect(ledger.gaveUp(10) == [])
        #expect(ledger.failed(10, now: start + .seconds(1)) == [], "no news")
        #expect(!ledger.mayWrite(now: start + .milliseconds(1999)))
        #expect(ledger.figures.isFailing)
        #expect(ledger.wrote(10) == [.recovered])
        #expect(ledger.mayWrite(now: start + .seconds(1)) && !ledger.figures.isFailing)
        #expect(ledger.figures.bytesLost == 30 && ledger.figures.bytesOnDisk == 10)
        ledger.removed(10)
        #expect(ledger.figures.bytesOnDisk == 0 && ledger.figures.bytesWritten == 10)
        #expect(ledger.figures.backlogBytes == 10)
    }

    @Test("a disk that fails and an overrun backlog end apart from each other")
    mutating func both() {
        _ = ledger.offered(100)
        #expect(ledger.failed(10, now: start) == [.failing])
        #expect(ledger.offered(50) == (false, .overrun))
        #expect(ledger.gaveUp(50) == [.caughtUp])
        #expect(ledger.figures.isFailing, "the disk still fails")
        #expect(ledger.wrote(10) == [.recovered])
        #expect(!ledger.figures.isFailing)
    }
}
