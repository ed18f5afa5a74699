import Foundation
import MediaCore
import TestSupport
import Testing

@Suite("WallClockTime")
struct WallClockTimeTests {
    @Test(
        "known dates are written as ISO 8601",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (1_709_251_199_500, "2024-02-29T23:59:59.500Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (4_107_456_000_000, "2100-02-28T00:00:00.000Z"),
            (-2_203_977_600_000, "1900-02-28T00:00:00.000Z"),
            (-2_203_891_200_000, "1900-03-01T00:00:00.000Z"),
            (2_147_483_648_000, "2038-01-19T03:14:08.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (1_000_000_000_007, "2001-09-09T01:46:40.007Z"),
        ] as [(Int64, String)]
    )
    func knownDates(_ milliseconds: Int64, _ text: String) {
        #expect(WallClockTime(milliseconds: milliseconds).description == text)
        // Years before the epoch and after are read alike.
        #expect(WallClockTime(text)?.milliseconds == milliseconds)
    }

    @Test(
        "what is no such date is none",
        arguments: [
            "", "2026-01-31T23:59:59Z", "2026-02-29T00:00:00.000Z", "2026-13-01T00:00:00.000Z",
            "2026-01-00T00:00:00.000Z", "2026-01-01T24:00:00.000Z", "2026-01-01 00:00:00.000Z",
            "x026-01-01T00:00:00.000Z",
        ]
    )
    func noDates(_ text: String) {
        #expect(WallClockTime(text) == nil)
    }

    @Test("a thousand dates of four centuries agree with Foundation's calendar")
    func agreesWithFoundation() {
        var random = SplitMix64(seed: 0x5554_43)
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        for _ in 0..<1000 {
            // 1800 to 2200, whole seconds: Foundation's fractions are binary.
            let seconds = Int64.random(in: -5_364_662_400...7_258_118_400, using: &random)
            let ours = WallClockTime(milliseconds: seconds * 1000).description
            #expect(ours == Date(timeIntervalSince1970: Double(seconds)).formatted(style))
        }
    }

    @Test("media time moves it by milliseconds, rounded to the nearest")
    func addition() {
        let start = WallClockTime(milliseconds: 1_709_251_199_500)
        #expect((start + .milliseconds(500)).description == "2024-03-01T00:00:00.000Z")
        #expect(start + MediaTime(nanoseconds: 1_499_999) == WallClockTime(milliseconds: start.milliseconds + 1))
        #expect(start + MediaTime(nanoseconds: -1_500_000) == WallClockTime(milliseconds: start.milliseconds - 2))
        #expect(start < start + .milliseconds(1))
    }

    @Test("no moment at all traps", arguments: [Int64.min, Int64.min + 1, -62_167_219_200_001, Int64.max])
    func extremes(_ milliseconds: Int64) {
        #expect(WallClockTime(milliseconds: milliseconds).description.hasSuffix("Z"))
    }
}
