import MediaCore
import NIOCore
import TestSupport
import Testing

@testable import Packager

@Suite("Closed captions")
struct ClosedCaptionsTests {
    /// ATSC A/53 Part 4 Table 6.9 in a message of type 4, with so many triplets.
    private func information(_ triplets: [[UInt8]], type: UInt8 = 4) -> [UInt8] {
        let data: [UInt8] =
            [0xB5, 0x00, 0x31] + Array("GA94".utf8) + [0x03, 0xC0 | UInt8(triplets.count), 0xFF] + triplets.joined() + [
                0xFF
            ]
        return [type, UInt8(data.count)] + data + [0x80]
    }

    private func unit(_ nalUnits: [[UInt8]]) -> AccessUnit {
        var payload = ByteBuffer()
        for nalUnit in nalUnits {
            payload.writeInteger(UInt32(nalUnit.count))
            payload.writeBytes(nalUnit)
        }
        return AccessUnit(trackID: Media.video, decodeTime: .zero, isSync: true, payload: payload)
    }

    private func channels(_ nalUnits: [[UInt8]]) throws -> [String] {
        var captions = ClosedCaptions()
        captions.look(into: unit(nalUnits), codedAs: try Media.avc().configuration)
        return captions.channels.map(\.rawValue)
    }

    private let slice: [UInt8] = [0x65, 0x88]

    @Test("the fields of CEA-608 and CEA-708 are told apart, and empty fields are none")
    func fields() throws {
        let text: [UInt8] = [0xFC, 0x94, 0x2C], empty: [UInt8] = [0xFC, 0x80, 0x80],
            second: [UInt8] = [0xFD, 0x15, 0x2C]
        let service: [UInt8] = [0xFF, 0x02, 0x21], invalid: [UInt8] = [0xF8, 0x94, 0x2C]
        #expect(try channels([[0x06] + information([text]), slice]) == ["CC1"])
        #expect(try channels([[0x06] + information([empty, invalid]), slice]) == [])
        #expect(try channels([[0x06] + information([text, second]), slice]) == ["CC1", "CC3"])
        #expect(try channels([[0x06] + information([service]), slice]) == ["SERVICE1"])
        #expect(try channels([[0x06] + information([service, text]), slice]) == ["CC1"], "said once")
        #expect(try channels([[0x09, 0xF0], [0x06] + information([text]), slice]) == ["CC1"])
        #expect(try channels([slice, [0x06] + information([text])]) == [], "behind a slice nothing is looked for")
        #expect(try channels([[0x06] + information([text], type: 5), slice]) == [])
        // Bytes that only prevent start codes are none of the message's.
        let prevented: [UInt8] = [0x06, 4, 17, 0xB5, 0x00, 0x31] + Array("GA94".utf8)
        #expect(
            try channels([prevented + [0x03, 0xC2, 0xFF, 0xFC, 0x00, 0x00, 0x03, 0xFC, 0x94, 0x2C, 0xFF]]) == [
                "CC1"
            ]
        )
    }

    @Test("HEVC has them in its prefix information (ISO/IEC 23008-2 §7.4.2.2)")
    func hevc() throws {
        // Type 39 in the header's first byte.
        let record = try HEVCDecoderConfigurationRecord(Media.hvcC)
        var captions = ClosedCaptions()
        captions.look(
            into: unit([[0x4E, 0x01] + information([[0xFC, 0x94, 0x2C]]), [0x26, 0x01, 0xAF]]),
            codedAs: .hevc(record)
        )
        #expect(captions.channels == [.first])
    }

    @Test("what is cut short or made up never traps", arguments: 0..<40)
    func hostile(seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        for _ in 0..<50 {
            var bytes = [0x06] + information([[0xFC, 0x94, 0x2C], [0xFF, 0x02, 0x21]])
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 1..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = try channels([Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random))), slice])
        }
    }

    @Test("the multivariant playlist announces them for every variant")
    func announced() throws {
        let variant = Variant([try Media.avc()], pictureCount: 60, lasting: .milliseconds(2000))
        let entry = Packager.MultivariantPlaylist.Entry(
            variant: variant,
            peak: 1,
            average: 1,
            isIndependent: true,
            uri: "media.m3u8"
        )
        let rendered = Packager.MultivariantPlaylist.render(
            [entry],
            sounds: [],
            captions: [.first, .second],
            isIndependent: true
        )
        let playlist = try PlaylistReader.readMultivariant(rendered.readableBytesView)
        #expect(try playlist.variants[0].attributes.quoted("CLOSED-CAPTIONS") == "captions")
        #expect(try playlist.renditions.map { try $0.quoted("INSTREAM-ID") } == ["CC1", "CC3"])
        #expect(
            try playlist.renditions.allSatisfy { try $0.quoted("URI") == nil && $0.quoted("GROUP-ID") == "captions" }
        )
        let without = Packager.MultivariantPlaylist.render([entry], sounds: [], isIndependent: true)
        #expect(!String(buffer: without).contains("CAPTIONS"))
    }
}
