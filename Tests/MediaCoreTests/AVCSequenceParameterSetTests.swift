import MediaCore
import TestSupport
import Testing

/// Parameter sets written bit by bit from ISO/IEC 14496-10 §7.3.2.1.1, for what x264 never writes.
@Suite("AVC sequence parameter set")
struct AVCSequenceParameterSetTests {
    /// What differs between the sets of these tests.
    struct Fields {
        var profile: UInt64 = 66
        var chroma: ((inout BitWriter) -> Void)?
        var pictureOrderCount: (inout BitWriter) -> Void = { $0.writeUnsigned(2) }
        var widthInMacroblocks: UInt64 = 20
        var heightInMapUnits: UInt64 = 15
        var isFrameOnly = true
        var cropping: [UInt64]?
        var vui: ((inout BitWriter) -> Void)?
    }

    private func set(_ fields: Fields) -> [UInt8] {
        var writer = BitWriter()
        writer.write(0x67, 8)
        writer.write(fields.profile, 8)
        writer.write(0, 8)
        writer.write(30, 8)
        writer.writeUnsigned(0)
        fields.chroma?(&writer)
        writer.writeUnsigned(0)
        fields.pictureOrderCount(&writer)
        writer.writeUnsigned(1)
        writer.write(0, 1)
        writer.writeUnsigned(fields.widthInMacroblocks - 1)
        writer.writeUnsigned(fields.heightInMapUnits - 1)
        writer.write(fields.isFrameOnly ? 1 : 0, 1)
        if !fields.isFrameOnly { writer.write(0, 1) }
        writer.write(1, 1)
        writer.write(fields.cropping == nil ? 0 : 1, 1)
        for edge in fields.cropping ?? [] { writer.writeUnsigned(edge) }
        writer.write(fields.vui == nil ? 0 : 1, 1)
        fields.vui?(&writer)
        return writer.nalUnit
    }

    @Test("without a VUI there is a size and no frame rate")
    func withoutVUI() throws {
        let read = try AVCSequenceParameterSet(nalUnit: set(Fields()))
        #expect(read.width == 320 && read.height == 240)
        #expect(read.nominalFrameRate == nil)
        #expect(read.profile == 66 && read.level == 30)
    }

    @Test("a VUI without timing has no frame rate, one with zeros neither")
    func vuiWithoutTiming() throws {
        var fields = Fields()
        fields.vui = { $0.write(0, 5) }
        #expect(try AVCSequenceParameterSet(nalUnit: set(fields)).nominalFrameRate == nil)
        fields.vui = { writer in
            writer.write(0b00001, 5)
            writer.write(0, 32)
            writer.write(0, 32)
        }
        #expect(try AVCSequenceParameterSet(nalUnit: set(fields)).nominalFrameRate == nil)
    }

    @Test("every optional part of the VUI before the timing is stepped over")
    func fullVUI() throws {
        var fields = Fields()
        fields.vui = { writer in
            writer.write(1, 1)
            writer.write(255, 8)
            writer.write(40 << 16 | 33, 32)
            writer.write(0b11, 2)
            writer.write(1, 1)
            writer.write(0b1010, 4)
            writer.write(1, 1)
            writer.write(0x01_0101, 24)
            writer.write(1, 1)
            writer.writeUnsigned(2)
            writer.writeUnsigned(2)
            writer.write(1, 1)
            writer.write(1001, 32)
            writer.write(48_000, 32)
        }
        let rate = try AVCSequenceParameterSet(nalUnit: set(fields)).nominalFrameRate
        #expect(rate == 48_000.0 / 1001 / 2)
    }

    @Test("a VUI cut short costs the frame rate only")
    func cutVUI() throws {
        var fields = Fields()
        fields.vui = { writer in
            writer.write(0b00001, 5)
            writer.write(1, 32)
        }
        let read = try AVCSequenceParameterSet(nalUnit: set(fields))
        #expect(read.width == 320 && read.nominalFrameRate == nil)
    }

    @Test(
        "cropping is counted in chroma units, twice as tall for fields (§7.4.2.1.1)",
        arguments: [
            (0, true, 319, 239), (1, true, 318, 238), (2, true, 318, 239), (3, true, 319, 239),
            (0, false, 319, 478), (1, false, 318, 476), (2, false, 318, 478), (3, false, 319, 478),
        ] as [(UInt64, Bool, Int, Int)]
    )
    func cropping(_ format: UInt64, _ isFrameOnly: Bool, _ width: Int, _ height: Int) throws {
        var fields = Fields(profile: 244)
        fields.isFrameOnly = isFrameOnly
        fields.cropping = [1, 0, 0, 1]
        fields.chroma = { writer in
            writer.writeUnsigned(format)
            if format == 3 { writer.write(0, 1) }
            writer.writeUnsigned(0)
            writer.writeUnsigned(0)
            writer.write(0, 2)
        }
        let read = try AVCSequenceParameterSet(nalUnit: set(fields))
        #expect(read.width == width && read.height == height)
    }

    @Test("scaling lists are stepped over, whole, by default and cut by a zero", arguments: [1, 3] as [UInt64])
    func scalingLists(_ format: UInt64) throws {
        var fields = Fields(profile: 100)
        fields.chroma = { writer in
            writer.writeUnsigned(format)
            if format == 3 { writer.write(0, 1) }
            writer.writeUnsigned(0)
            writer.writeUnsigned(0)
            writer.write(0, 1)
            writer.write(1, 1)
            for list in 0..<(format == 3 ? 12 : 8) {
                writer.write(list == 1 ? 0 : 1, 1)
                switch list {
                case 1: break
                // A first delta of -8 makes nextScale 0: use the default list, nothing more is written.
                case 2: writer.writeSigned(-8)
                // The list falls to 0 after its third entry and repeats that one from there on.
                case 3: for delta: Int64 in [8, -4, 4, -16] { writer.writeSigned(delta) }
                // Steps that leave the byte wrap around in it.
                default: for index in 0..<(list < 6 ? 16 : 64) { writer.writeSigned(index % 2 == 0 ? 127 : -120) }
                }
            }
        }
        let read = try AVCSequenceParameterSet(nalUnit: set(fields))
        #expect(read.width == 320 && read.height == 240)
    }

    @Test("every picture order count type is stepped over")
    func pictureOrderCounts() throws {
        var fields = Fields()
        fields.pictureOrderCount = { writer in
            writer.writeUnsigned(0)
            writer.writeUnsigned(4)
        }
        #expect(try AVCSequenceParameterSet(nalUnit: set(fields)).width == 320)
        fields.pictureOrderCount = { writer in
            writer.writeUnsigned(1)
            writer.write(0, 1)
            writer.writeSigned(-3)
            writer.writeSigned(7)
            writer.writeUnsigned(255)
            for offset in 0..<255 { writer.writeSigned(Int64(offset) - 100) }
        }
        #expect(try AVCSequenceParameterSet(nalUnit: set(fields)).width == 320)
    }

    @Test("sizes that no decoder takes are refused")
    func sizes() {
        var tooWide = Fields()
        tooWide.widthInMacroblocks = 1025
        var tooTall = Fields()
        tooTall.heightInMapUnits = 1 << 31
        var croppedAway = Fields()
        croppedAway.cropping = [160, 0, 0, 0]
        var croppedFar = Fields()
        croppedFar.cropping = [0xFFFF_FFFE, 0xFFFF_FFFE, 0xFFFF_FFFE, 0xFFFF_FFFE]
        var longCycle = Fields()
        longCycle.pictureOrderCount = { writer in
            writer.writeUnsigned(1)
            writer.write(0, 1)
            writer.writeSigned(0)
            writer.writeSigned(0)
            writer.writeUnsigned(256)
        }
        for fields in [tooWide, tooTall, croppedAway, croppedFar, longCycle] {
            #expect(throws: CodecConfigurationError.self) { try AVCSequenceParameterSet(nalUnit: set(fields)) }
        }
    }

    @Test("a chroma format that does not exist is refused")
    func chromaFormat() {
        var fields = Fields(profile: 100)
        fields.chroma = { writer in
            writer.writeUnsigned(4)
            writer.writeUnsigned(0)
            writer.writeUnsigned(0)
            writer.write(0, 2)
        }
        #expect(throws: CodecConfigurationError.self) { try AVCSequenceParameterSet(nalUnit: set(fields)) }
    }

    @Test("an Exp-Golomb code of nothing but zeros is refused")
    func endlessCode() {
        #expect(throws: CodecConfigurationError.self) {
            try AVCSequenceParameterSet(nalUnit: [0x67, 66, 0, 30] + [UInt8](repeating: 0, count: 64))
        }
    }
}
