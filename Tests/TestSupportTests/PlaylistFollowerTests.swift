import TestSupport
import Testing

/// Sequences of playlists, right and wrong in one place each.
@Suite("Playlist follower")
struct PlaylistFollowerTests {
    /// A live playlist of 2 s segments, written out from a few numbers.
    private func playlist(
        _ numbers: ClosedRange<Int>,
        discontinuitySequence: Int = 0,
        discontinuous: Set<Int> = [],
        target: Int = 2,
        uri: (Int) -> String = { "\($0).ts" },
        date: (Int) -> String? = { _ in nil },
        ended: Bool = false
    ) throws -> MediaPlaylist {
        var text = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:\(target)\n"
        text += "#EXT-X-MEDIA-SEQUENCE:\(numbers.lowerBound)\n"
        text += "#EXT-X-DISCONTINUITY-SEQUENCE:\(discontinuitySequence)\n"
        for number in numbers {
            if discontinuous.contains(number) { text += "#EXT-X-DISCONTINUITY\n" }
            if let date = date(number) { text += "#EXT-X-PROGRAM-DATE-TIME:\(date)\n" }
            text += "#EXTINF:2.0,\n\(uri(number))\n"
        }
        if ended { text += "#EXT-X-ENDLIST\n" }
        return try PlaylistReader.readMedia(text)
    }

    private func refuses(_ first: MediaPlaylist, _ second: MediaPlaylist) -> Bool {
        var follower = PlaylistFollower()
        do {
            try follower.follow(first)
        } catch {
            Issue.record("the first version is refused: \(error)")
            return false
        }
        do {
            try follower.follow(second)
            return false
        } catch {
            return true
        }
    }

    @Test("a window that slides over a discontinuity and ends is in order")
    func slides() throws {
        var follower = PlaylistFollower()
        try follower.follow(playlist(0...2))
        try follower.follow(playlist(0...2))
        try follower.follow(playlist(0...3, discontinuous: [3]))
        try follower.follow(playlist(2...5, discontinuous: [3]))
        try follower.follow(playlist(3...6, discontinuous: [3]))
        try follower.follow(playlist(4...7, discontinuitySequence: 1))
        try follower.follow(playlist(4...7, discontinuitySequence: 1, ended: true))
        try follower.follow(playlist(4...7, discontinuitySequence: 1, ended: true))
        #expect(follower.segments.map(\.mediaSequenceNumber) == Array(0...7))
        #expect(follower.discontinuityCount == 1)
    }

    @Test("a media sequence that steps back is refused")
    func stepsBack() throws {
        #expect(try refuses(playlist(5...9), playlist(4...9)))
        #expect(try refuses(playlist(5...9), playlist(0...2)))
    }

    @Test("a last segment that vanishes is refused")
    func vanishes() throws {
        #expect(try refuses(playlist(5...9), playlist(5...8)))
    }

    @Test("a number that names another URI is refused")
    func otherURI() throws {
        #expect(try refuses(playlist(5...9), playlist(5...9, uri: { "\($0 + 1).ts" })))
    }

    @Test("a URI that comes again under another number is refused")
    func repeatedURI() throws {
        #expect(try refuses(playlist(5...9), playlist(6...10, uri: { "\($0 == 10 ? 5 : $0).ts" })))
    }

    @Test("a target duration that changes is refused")
    func target() throws {
        #expect(try refuses(playlist(5...9), playlist(5...9, target: 3)))
    }

    @Test("a discontinuity that leaves without being counted is refused")
    func uncounted() throws {
        #expect(try refuses(playlist(3...7, discontinuous: [3]), playlist(4...8)))
        #expect(try !refuses(playlist(3...7, discontinuous: [3]), playlist(4...8, discontinuitySequence: 1)))
    }

    @Test("a discontinuity that is counted while its tag stays is refused")
    func countedTwice() throws {
        #expect(
            try refuses(
                playlist(3...7, discontinuous: [5]),
                playlist(4...8, discontinuitySequence: 1, discontinuous: [5])
            )
        )
    }

    @Test("a discontinuity that appears before a known segment is refused")
    func appears() throws {
        #expect(try refuses(playlist(3...7), playlist(3...7, discontinuous: [5])))
    }

    @Test("a window that shrinks below three target durations is refused unless it ends")
    func tooShort() throws {
        #expect(try refuses(playlist(3...7), playlist(6...7)))
        #expect(try !refuses(playlist(3...7), playlist(6...7, ended: true)))
    }

    @Test("nothing may change after the end")
    func afterEnd() throws {
        #expect(try refuses(playlist(3...7, ended: true), playlist(3...7)))
        #expect(try refuses(playlist(3...7, ended: true), playlist(3...8, ended: true)))
        #expect(try refuses(playlist(3...7, ended: true), playlist(4...7, ended: true)))
    }

    @Test("a date that steps back from one version to the next is refused")
    func datesStepBack() throws {
        let first = try playlist(3...5, date: { "2024-01-01T00:00:0\($0)Z" })
        #expect(try refuses(first, playlist(4...6, date: { $0 == 6 ? "2024-01-01T00:00:04Z" : nil })))
        #expect(try !refuses(first, playlist(3...6, date: { "2024-01-01T00:00:0\($0)Z" })))
    }
}
