import Testing

@testable import Recordings

@Suite("Retention policy")
struct RetentionPolicyTests {
    private static let day: Int64 = 86_400_000
    private static let now = 1000 * day

    /// A recording that ended so many days ago.
    private func entry(
        _ number: Int,
        daysAgo days: Int64,
        bytes: Int64 = 10,
        _ adjust: (inout RetentionPolicy.Entry) -> Void = { _ in }
    ) -> RetentionPolicy.Entry {
        let id = RecordingID { count in Array(repeating: UInt8(number), count: count) }
        var facts = RecordingFacts(id: id, stream: "s", title: "t", source: .live, state: .ready, startedAt: 0)
        facts.endedAt = Self.now - days * Self.day
        facts.byteCount = bytes
        var entry = RetentionPolicy.Entry(facts)
        adjust(&entry)
        return entry
    }

    private func steps(
        _ policy: RetentionPolicy,
        _ entries: [RetentionPolicy.Entry],
        free: Int64? = nil
    ) -> [RetentionPolicy.Step] {
        policy.decide(entries, now: Self.now, free: free).steps
    }

    @Test("without limits nothing goes")
    func noLimits() {
        #expect(RetentionPolicy().decide([entry(1, daysAgo: 900)], now: Self.now, free: 0) == .init())
    }

    @Test("what is older than recordings may be is deleted, unless it is kept or still being recorded")
    func age() {
        let entries = [
            entry(1, daysAgo: 31), entry(2, daysAgo: 30), entry(3, daysAgo: 90) { $0.isKept = true },
            entry(4, daysAgo: 90) { $0.isComplete = false }, entry(5, daysAgo: 40),
        ]
        let expected = [4, 0].map { RetentionPolicy.Step(id: entries[$0].id, action: .delete, reason: .age) }
        #expect(steps(RetentionPolicy(days: 30), entries) == expected)
    }

    @Test("of too many bytes the oldest go, and no more than need to")
    func quota() {
        let entries = [
            entry(1, daysAgo: 1), entry(2, daysAgo: 9), entry(3, daysAgo: 5),
            entry(4, daysAgo: 20) { $0.isKept = true },
            entry(5, daysAgo: 0, bytes: 7) { $0.isComplete = false },
        ]
        #expect(steps(RetentionPolicy(byteCount: 47), entries).isEmpty)
        let decision = RetentionPolicy(byteCount: 30).decide(entries, now: Self.now, free: nil)
        #expect(decision.steps.map(\.id) == [1, 2].map { entries[$0].id } && decision.excess == 0)
        #expect(decision.steps.allSatisfy { $0.reason == .quota && $0.action == .delete })
        // What is kept and what is being recorded is more than there may be.
        let little = RetentionPolicy(byteCount: 5).decide(entries, now: Self.now, free: nil)
        #expect(little.steps.count == 3 && little.excess == 12)
    }

    @Test(
        "for the disk media goes first that the store has too, kept or not; then the oldest recordings that lie on it"
    )
    func diskSpace() {
        let entries = [
            entry(1, daysAgo: 1) { $0.isUploaded = true }, entry(2, daysAgo: 9),
            entry(3, daysAgo: 3) {
                $0.isUploaded = true
                $0.isKept = true
            },
            entry(4, daysAgo: 20) {
                $0.isUploaded = true
                $0.isLocal = false
            },
            entry(5, daysAgo: 30) { $0.isKept = true },
        ]
        func decide(_ free: Int64?) -> RetentionPolicy.Decision {
            RetentionPolicy(freeByteCount: 100).decide(entries, now: Self.now, free: free)
        }
        #expect(decide(100) == .init() && decide(nil) == .init())
        #expect(decide(99).steps == [.init(id: entries[2].id, action: .dropMedia, reason: .diskSpace)])
        let more = decide(75)
        #expect(more.steps.map(\.action) == [.dropMedia, .dropMedia, .delete] && more.shortage == 0)
        #expect(more.steps.map(\.id) == [2, 0, 1].map { entries[$0].id })
        #expect(decide(0).shortage == 70 && decide(0).steps.count == 3)
    }

    @Test("media leaves the disk so long after its end when it is in the store, and is not deleted for it")
    func localDays() {
        let entries = [
            entry(1, daysAgo: 8) { $0.isUploaded = true }, entry(2, daysAgo: 9),
            entry(3, daysAgo: 6) { $0.isUploaded = true },
        ]
        let policy = RetentionPolicy(localDays: 7)
        #expect(steps(policy, entries) == [.init(id: entries[0].id, action: .dropMedia, reason: .uploaded)])
        #expect(steps(RetentionPolicy(localDays: 0), entries).count == 2)
        // What is deleted need not leave the disk before.
        #expect(steps(RetentionPolicy(days: 7, localDays: 7), entries).map(\.action) == [.delete, .delete])
    }
}
