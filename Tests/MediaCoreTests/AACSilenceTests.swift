import MediaCore
import TestSupport
import Testing

@Suite("Silence in AAC")
struct AACSilenceTests {
    /// AAC-LC of 48 kHz with a channel configuration.
    private func config(channels: UInt8) throws -> AudioSpecificConfig {
        try AudioSpecificConfig([0x11, 0x80 | channels << 3])
    }

    /// An access unit with an ADTS header (ISO/IEC 13818-7 §6.2).
    private func adts(_ unit: [UInt8], channels: UInt8) -> [UInt8] {
        let length = unit.count + 7
        return [
            0xFF, 0xF1, 0x4C | channels >> 2, channels << 6 | UInt8(length >> 11), UInt8(length >> 3 & 0xFF),
            UInt8(length & 7) << 5 | 0x1F, 0xFC,
        ] + unit
    }

    @Test("a real decoder makes silence of it, in every layout", arguments: 1...6 as ClosedRange<UInt8>)
    func decodes(channels: UInt8) async throws {
        let unit = try #require(try config(channels: channels).silentAccessUnit)
        let folder = try TemporaryFolder()
        try folder.write("silence.aac", Array(repeating: adts(unit, channels: channels), count: 50).flatMap { $0 })
        let output = try await Tool.check(
            "ffmpeg",
            [
                "-nostdin", "-v", "error", "-xerror", "-f", "aac", "-i", folder.file("silence.aac"), "-f", "s16le",
                "-c:a", "pcm_s16le", "-",
            ]
        )
        #expect(output.standardError.isEmpty)
        #expect(output.standardOutput.count == 50 * 1024 * 2 * Int(channels))
        #expect(output.standardOutput.allSatisfy { $0 == 0 })
    }

    @Test("a layout that the configuration does not name has none")
    func unknownLayout() throws {
        #expect(try config(channels: 0).silentAccessUnit == nil)
    }
}
