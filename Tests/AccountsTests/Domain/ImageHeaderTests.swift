import Testing

@testable import Accounts

@Suite("Image headers")
struct ImageHeaderTests {
    static let png: [UInt8] =
        [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13] + Array("IHDR".utf8) + [
            0, 0, 1, 0x2C, 0, 0, 0, 0xC8,
        ]
        + [8, 6, 0, 0, 0]
    static let jpeg: [UInt8] = [
        0xFF, 0xD8, 0xFF, 0xE0, 0x00, 0x04, 0x4A, 0x46, 0xFF, 0xFF, 0xC2, 0x00, 0x11, 0x08, 0x00, 0xC8, 0x01, 0x2C, 3,
    ]
    static let lossy: [UInt8] =
        Array("RIFF".utf8) + [30, 0, 0, 0] + Array("WEBPVP8 ".utf8) + [
            18, 0, 0, 0, 0x10, 0, 0, 0x9D, 0x01, 0x2A, 0x2C, 0x01,
        ]
        + [0xC8, 0x00]
    static let lossless: [UInt8] =
        Array("RIFF".utf8) + [30, 0, 0, 0] + Array("WEBPVP8L".utf8) + [18, 0, 0, 0, 0x2F] + [0x2B, 0xC1, 0x31, 0x00]
    static let extended: [UInt8] =
        Array("RIFF".utf8) + [30, 0, 0, 0] + Array("WEBPVP8X".utf8) + [10, 0, 0, 0, 0, 0, 0, 0] + [
            0x2B, 1, 0, 0xC7, 0, 0,
        ]

    @Test(
        "ASVS 5.2.2, 5.2.6: the format is told by the first bytes, and the size by the header",
        arguments: [
            (png, "image/png"), (jpeg, "image/jpeg"), (lossy, "image/webp"), (lossless, "image/webp"),
            (extended, "image/webp"),
        ]
    )
    func sizes(_ bytes: [UInt8], _ type: String) throws {
        let header = try #require(ImageHeader(bytes))
        #expect(header.format.rawValue == type)
        #expect(header.width == 300)
        #expect(header.height == 200)
    }

    @Test("a header cut anywhere is none, and never traps", arguments: [png, jpeg, lossy, lossless, extended])
    func cut(_ bytes: [UInt8]) {
        let needed = [Self.png: 24, Self.jpeg: 18][bytes] ?? (bytes == Self.lossless ? 25 : 30)
        for count in 0..<needed { #expect(ImageHeader(Array(bytes.prefix(count))) == nil, "\(count)") }
    }

    @Test(
        "ASVS 1.3.4: documents that call themselves images are refused",
        arguments: [
            "<svg xmlns='http://www.w3.org/2000/svg'/>", "<?xml version='1.0'?><svg/>", "<html>", "GIF89a", "BM",
            "%PDF-1.7",
            "\u{89}PNG", "RIFF....WEBPXXXX",
        ]
    )
    func foreign(_ text: String) {
        #expect(ImageHeader(Array(text.utf8)) == nil)
    }

    @Test("a size of nothing is refused, and a huge one is read as it is")
    func extremes() {
        var bytes = Self.png
        bytes.replaceSubrange(16..<24, with: [0, 0, 0, 0, 0, 0, 0, 1])
        #expect(ImageHeader(bytes) == nil)
        bytes.replaceSubrange(16..<24, with: [UInt8](repeating: 0xFF, count: 8))
        #expect(ImageHeader(bytes)?.width == 0xFFFF_FFFF)
    }
}
