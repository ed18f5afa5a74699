import FoundationEssentials
import Testing

@testable import Web

@Suite("QR codes")
struct QRCodeTests {
    @Test("what is too long has no code") func length() {
        #expect(QRCode(String(repeating: "a", count: 213))?.size == 57)
        #expect(QRCode(String(repeating: "a", count: 214)) == nil)
        #expect(QRCode(String(repeating: "é", count: 107)) == nil)
    }

    /// Printable characters in a fixed order, the more of them the longer.
    private static func word(_ length: Int) -> String {
        String(decoding: (0..<length).map { UInt8(33 + $0 * 7 % 90) }, as: UTF8.self)
    }

    /// Rows in hexadecimal, as the encoder segno 1.6 makes them at level M with the same mask.
    private static let codes = [
        26: """
        1fd217f 1044d41 175fc5d 174d55d 1748d5d 1056441 1fd557f 8400 146da25 1e36a6d 18cbad3 127010 1159952 \
        da0669 1ed776b 8b6c2 1ff2bf3 1bd1d 1fda557 1043119 17453fe 174b2aa 1753d9f 104c7f8 1fd11ad
        """,
        122: """
        1fc93e80517f 104cbf7c0241 1757f795fa5d 175b5744835d 175cc1fbc75d 105839174841 1fd55555557f \
        1e091e9f00 17ce1ff0617c 475c8e38d 1a56f798ac10 d3e1c00c10e e532438a844 1681f9b94993 732f7e8e78 \
        bac12bd1fff 15b0ed2c3ab 1396ff6b633d 115ed451a0c2 f19ce13b534 9fc25f80dfa 51b9119e310 55dad56d756 \
        b1243125917 11fa75fca9f3 1d9e466bd149 34125c9bd9c 14bac6f48cbd 2d60d30249d 18920692eb25 \
        1f5d716556b0 1b1bbc737a0c 1479342e6969 930e7e95189 145c4f0b0ae f2773f7d0ce 1351e1f0c1f7 17dd1adb1b \
        1fc0d155cf58 1056c7152114 175d29f627f9 175d428970bf 175638442f26 1047c90afb0c 1fd010d8ccfe
        """,
    ]

    @Test("codes are those of another encoder", arguments: codes.keys.sorted())
    func golden(_ length: Int) throws {
        let code = try #require(QRCode(Self.word(length)))
        let rows = (0..<code.size).map { row in
            String(
                code.modules[row * code.size..<(row + 1) * code.size].reduce(0) { $0 << 1 | ($1 ? 1 : 0) },
                radix: 16
            )
        }
        #expect(rows.joined(separator: " ") == Self.codes[length])
    }

    @Test("every codeword and its correction divide without remainder", arguments: [1, 10, 22, 26])
    func correction(_ count: Int) {
        let data = (0..<40).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 5) }
        let whole = data + ReedSolomon.remainder(of: data, count: count)
        #expect(ReedSolomon.remainder(of: whole, count: count) == Array(repeating: 0, count: count))
    }

    @Test(
        "writes codes to be read by another program",
        .enabled(if: ProcessInfo.processInfo.environment["LYCEUM_PAGE_PREVIEW"]?.isEmpty == false)
    )
    func write() throws {
        let folder = try #require(ProcessInfo.processInfo.environment["LYCEUM_PAGE_PREVIEW"])
        var text = ""
        for length in [0, 1, 14, 26, 42, 62, 84, 106, 122, 152, 180, 213] {
            let word = Self.word(length)
            let code = try #require(QRCode(word))
            text += word + "\n"
            for row in 0..<code.size {
                text += code.modules[row * code.size..<(row + 1) * code.size].map { $0 ? "1" : "0" }.joined() + "\n"
            }
            text += "\n"
        }
        try Data(text.utf8).write(to: URL(filePath: "\(folder)/codes.txt"))
    }
}
