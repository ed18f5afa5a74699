import NIOCore
import Testing

@testable import Ingest

/// Values of AMF 3 behind AMF 0's marker 0x11, byte by byte from the specification's forms.
@Suite("AMF3")
struct AMF3Tests {
    private func decode(_ bytes: [UInt8]) throws -> [AMF0Value] {
        try AMF0Decoder.values(in: ByteBuffer(bytes: bytes))
    }

    private func decode(_ bytes: [UInt8]) throws -> AMF0Value? {
        let values: [AMF0Value] = try decode([0x11] + bytes)
        return values.count == 1 ? values[0] : nil
    }

    @Test(
        "each form of value",
        arguments: [
            ([0], AMF0Value.undefined), ([1], .null), ([2], .boolean(false)), ([3], .boolean(true)),
            // §3.6: 29 bits in one, two, three and four bytes, and the sign.
            ([4, 0x7F], .number(127)), ([4, 0x81, 0], .number(128)), ([4, 0x81, 0x80, 0], .number(16_384)),
            ([4, 0x80, 0xC0, 0x80, 0], .number(2_097_152)), ([4, 0xFF, 0xFF, 0xFF, 0xFF], .number(-1)),
            ([4, 0xC0, 0x80, 0x80, 0], .number(-268_435_456)), ([4, 0xBF, 0xFF, 0xFF, 0xFF], .number(268_435_455)),
            ([5, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0], .number(1)),
            ([6, 1], .string("")), ([6, 5, 0x68, 0x69], .string("hi")),
            ([7, 3, 0x78], .xmlDocument("x")), ([11, 3, 0x78], .xmlDocument("x")),
            ([8, 1, 0, 0, 0, 0, 0, 0, 0, 0], .date(milliseconds: 0, timeZone: 0)),
            ([9, 5, 1, 3, 1], .strictArray([.boolean(true), .null])),
            (
                [9, 3, 3, 0x61, 2, 1, 4, 7],
                .ecmaArray([AMF0Property("a", .boolean(false)), AMF0Property("0", .number(7))])
            ),
            // Anonymous and dynamic, which is what encoders send for objects.
            ([10, 0x0B, 1, 3, 0x61, 4, 1, 1], .object([AMF0Property("a", .number(1))])),
            // A class with two sealed members.
            (
                [10, 0x23, 3, 0x43, 3, 0x61, 3, 0x62, 4, 1, 4, 2],
                .typedObject(
                    className: "C",
                    properties: [AMF0Property("a", .number(1)), AMF0Property("b", .number(2))]
                )
            ),
            ([12, 5, 0xAA, 0xBB], .unsupported),
            ([13, 3, 0, 0xFF, 0xFF, 0xFF, 0xFE], .strictArray([.number(-2)])),
            ([14, 3, 0, 0xFF, 0xFF, 0xFF, 0xFE], .strictArray([.number(4_294_967_294)])),
            ([15, 3, 0, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0], .strictArray([.number(1)])),
            ([16, 3, 0, 1, 3], .strictArray([.boolean(true)])),
            ([17, 3, 0, 6, 3, 0x6B, 3], .ecmaArray([AMF0Property("k", .boolean(true))])),
        ] as [([UInt8], AMF0Value)]
    )
    func forms(bytes: [UInt8], value: AMF0Value) throws {
        #expect(try decode(bytes) == value)
    }

    @Test("strings, traits and objects are referred to by number (§2.2)")
    func references() throws {
        // ["ab", "ab"], the second by reference.
        #expect(try decode([9, 5, 1, 6, 5, 0x61, 0x62, 6, 0]) == .strictArray([.string("ab"), .string("ab")]))
        // Two objects of one class, the second with traits by reference; then the first again.
        let one = AMF0Value.typedObject(className: "C", properties: [AMF0Property("a", .number(1))])
        let two = AMF0Value.typedObject(className: "C", properties: [AMF0Property("a", .number(2))])
        let bytes: [UInt8] = [9, 7, 1, 10, 0x13, 3, 0x43, 3, 0x61, 4, 1, 10, 0x01, 4, 2, 10, 2]
        #expect(try decode(bytes) == .strictArray([one, two, one]))
        // An array that holds itself.
        #expect(try decode([9, 3, 1, 9, 0]) == .strictArray([.reference(0)]))
    }

    @Test("the switch to AMF 3 is for one value, and its tables are that value's own (Enhanced RTMP v2)")
    func switchIsNotSticky() throws {
        let values: [AMF0Value] = try decode([
            0x11, 6, 3, 0x61, 0, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0, 3, 0, 1, 0x78, 0x11, 3, 0, 0, 9,
        ])
        #expect(values == [.string("a"), .number(1), .object([AMF0Property("x", .boolean(true))])])
        #expect(throws: AMFError.danglingReference(0)) { try decode([0x11, 6, 3, 0x61, 0x11, 6, 0]) as [AMF0Value] }
    }

    @Test(
        "what is not AMF 3, or too much of it, is refused",
        arguments: [
            ([18], AMFError.unknownAMF3Marker(18)), ([6, 0], .danglingReference(0)), ([10, 2], .danglingReference(1)),
            ([10, 1], .danglingReference(0)), ([6, 9, 1], .truncated), ([4, 0x80], .truncated), ([], .truncated),
            ([9, 0xFF, 0xFF, 0xFF, 0xFF, 1], .truncated), ([12, 0xFF, 0xFF, 0xFF, 0xFF], .truncated),
            ([10, 7, 3, 0x58], .externalizable(className: "X")),
            ([6, 0x90, 0x80, 1], .stringTooLong(length: 131_072, allowed: 65_536)),
        ] as [([UInt8], AMFError)]
    )
    func refused(bytes: [UInt8], error: AMFError) {
        #expect(throws: error) { try decode([0x11] + bytes) as [AMF0Value] }
    }

    @Test("neither depth nor references to references grow beyond the budget")
    func bombs() {
        let deep = (0..<1000).flatMap { _ in [9, 3, 1] as [UInt8] }
        #expect(throws: AMFError.tooDeep(allowed: 16)) { try decode([0x11] + deep) as [AMF0Value] }
        // Each array holds the one before it 32 times.
        var laughs: [UInt8] = [9, 21, 1]
        laughs += [9, 1, 1]
        for number in 1..<10 { laughs += [9, 65, 1] + (0..<32).flatMap { _ in [9, UInt8(number) << 1] as [UInt8] } }
        #expect(throws: AMFError.tooManyValues(allowed: 16_384)) { try decode([0x11] + laughs) as [AMF0Value] }
    }
}
