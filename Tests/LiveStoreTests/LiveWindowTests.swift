import MediaCore
import TestSupport
import Testing

@testable import LiveStore

@Suite("Live window")
struct LiveWindowTests {
    private func listed(_ window: LiveWindow) -> [Int] {
        window.pastSegments.map(\.mediaSequenceNumber) + window.heldSegments.map(\.mediaSequenceNumber)
    }

    /// The numbers of the segments that can be fetched, but are not listed.
    private func retired(_ window: LiveWindow) -> [Int] {
        (0..<window.mediaSequence).filter { window.resource(.segment($0), named: "") != nil }
    }

    @Test("segments leave as soon as the others fill the window by themselves")
    func slides() {
        var window = LiveWindow()
        for number in 0..<5 { window.append(segment(number), limits: tenSeconds) }
        #expect(listed(window) == [0, 1, 2, 3, 4] && window.mediaSequence == 0)
        window.append(segment(5), limits: tenSeconds)
        #expect(listed(window) == [1, 2, 3, 4, 5] && window.mediaSequence == 1)
        #expect(window.nextMediaSequenceNumber == 6)
        #expect(window.end == .seconds(12))
    }

    @Test("several short segments make room for a long one")
    func longSegment() {
        var window = LiveWindow()
        for number in 0..<10 { window.append(segment(number, seconds: 1), limits: tenSeconds) }
        #expect(window.mediaSequence == 0)
        window.append(segment(10, seconds: 8), limits: tenSeconds)
        #expect(listed(window) == [8, 9, 10])
    }

    @Test("the least number of segments stays, however long they are")
    func minimum() {
        var window = LiveWindow()
        for number in 0..<8 { window.append(segment(number, seconds: 30), limits: tenSeconds) }
        #expect(listed(window) == [5, 6, 7])
    }

    @Test("a discontinuity is counted when its tag leaves, not before")
    func discontinuities() {
        var window = LiveWindow(firstMediaSequenceNumber: 100, discontinuitySequence: 7)
        for number in 100..<103 { window.append(segment(number, isDiscontinuous: number == 102), limits: tenSeconds) }
        #expect(window.discontinuitySequence == 7 && window.nextDiscontinuitySequence == 8)
        for number in 103..<107 { window.append(segment(number), limits: tenSeconds) }
        #expect(listed(window).first == 102 && window.discontinuitySequence == 7)
        window.append(segment(107), limits: tenSeconds)
        #expect(listed(window).first == 103 && window.discontinuitySequence == 8)
        #expect(window.nextDiscontinuitySequence == 8)
    }

    @Test("a removed segment stays for its own duration and that of the longest playlist with it (RFC 8216 §6.2.2)")
    func retirement() {
        var window = LiveWindow()
        var removedAt: [Int: MediaTime] = [:]
        for number in 0..<40 {
            let before = Set(listed(window))
            window.append(segment(number), limits: tenSeconds)
            for gone in before.subtracting(listed(window)) { removedAt[gone] = window.end }
            for (gone, moment) in removedAt where window.end < moment + .seconds(2 + 10) {
                #expect(retired(window).contains(gone), "segment \(gone) at \(window.end.seconds) s")
            }
        }
        #expect(retired(window).count <= 8, "and not for ever")
    }

    @Test("random durations never break the promise of RFC 8216 §6.2.2, nor keep a segment without need")
    func randomRetirement() {
        var random = SplitMix64(seed: 0x7769_6E64)
        for _ in 0..<50 {
            var window = LiveWindow()
            var longest: [Int: MediaTime] = [:]
            var promised: [Int: MediaTime] = [:]
            var durations: [Int: MediaTime] = [:]
            for number in 0..<120 {
                let next = segment(number, seconds: Double.random(in: 0.5...9, using: &random))
                durations[number] = next.duration
                let before = listed(window)
                window.append(next, limits: tenSeconds)
                let playlist = window.heldSegments.reduce(MediaTime.zero) { $0 + $1.duration }
                for listed in listed(window) { longest[listed] = max(longest[listed] ?? .zero, playlist) }
                for gone in before where !listed(window).contains(gone) {
                    promised[gone] = window.end + (durations[gone] ?? .zero) + (longest[gone] ?? .zero)
                }
                for (gone, until) in promised where until > window.end { #expect(retired(window).contains(gone)) }
                #expect(window.mediaSequence == listed(window).first)
            }
            // Nine more seconds each and a playlist of at most nineteen: what is older than that is gone.
            #expect(retired(window).count < 120)
        }
    }

    @Test("a long segment's playlist is remembered for those that were listed with it")
    func longestPlaylist() {
        let limits = LiveWindow.Limits(duration: .seconds(4), minimumSegments: 3)
        var window = LiveWindow()
        window.append(segment(0, seconds: 9), limits: limits)
        window.append(segment(1, seconds: 9), limits: limits)
        window.append(segment(2, seconds: 2), limits: limits)
        window.append(segment(3, seconds: 2), limits: limits)
        window.append(segment(4, seconds: 2), limits: limits)
        #expect(listed(window) == [2, 3, 4])
        window.append(segment(5, seconds: 2), limits: limits)
        // Segment 2 stood in a playlist of 20 s: it stays fetchable for 22 s, although playlists now last 6 s.
        for number in 6..<16 {
            #expect(retired(window).contains(2))
            window.append(segment(number, seconds: 2), limits: limits)
        }
        // Not much longer: what is older than it, and longer, goes first.
        for number in 16..<20 { window.append(segment(number, seconds: 2), limits: limits) }
        #expect(!retired(window).contains(2))
    }
}
