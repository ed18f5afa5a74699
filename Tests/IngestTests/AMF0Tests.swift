import NIOCore
import Testing

@testable import Ingest

@Suite("AMF0")
struct AMF0Tests {
    static let samples: [AMF0Value] = [
        .number(-1.5), .number(.infinity), .boolean(true), .boolean(false), .string("key"), .string(""),
        .string(String(repeating: "x", count: 65_535)), .string(String(repeating: "y", count: 65_536)), .null,
        .undefined,
        .object([AMF0Property("a", .number(1)), AMF0Property("", .null)]), .object([]), .reference(7),
        .ecmaArray([AMF0Property("width", .number(1920))]), .strictArray([.string("avc1"), .null, .strictArray([])]),
        .date(milliseconds: 1.7e12, timeZone: -60), .unsupported, .xmlDocument("<x/>"),
        .typedObject(className: "c", properties: [AMF0Property("p", .boolean(true))]),
    ]

    private func decode(_ bytes: [UInt8]) throws -> [AMF0Value] {
        try AMF0Decoder.values(in: ByteBuffer(bytes: bytes))
    }

    @Test("every value comes back as it went out", arguments: samples)
    func roundTrip(value: AMF0Value) throws {
        var buffer = ByteBuffer()
        buffer.writeAMF0(value)
        #expect(try AMF0Decoder.values(in: buffer) == [value])
    }

    @Test(
        "bytes from the specification's forms",
        arguments: [
            ([0, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0], AMF0Value.number(1)),
            ([1, 2], .boolean(true)),
            ([2, 0, 2, 0x68, 0x69], .string("hi")),
            ([2, 0, 1, 0xFF], .string("\u{FFFD}")),
            ([3, 0, 1, 0x61, 5, 0, 0, 9], .object([AMF0Property("a", .null)])),
            // No end marker, and counts that are wrong both ways.
            ([3, 0, 1, 0x61, 5], .object([AMF0Property("a", .null)])),
            ([8, 0, 0, 0, 0, 0, 1, 0x61, 6, 0, 0, 9], .ecmaArray([AMF0Property("a", .undefined)])),
            ([8, 0xFF, 0xFF, 0xFF, 0xFF, 0, 1, 0x61, 6, 0, 0, 9], .ecmaArray([AMF0Property("a", .undefined)])),
            ([10, 0, 0, 0, 2, 5, 6], .strictArray([.null, .undefined])),
            ([12, 0, 0, 0, 1, 0x61], .string("a")),
        ] as [([UInt8], AMF0Value)]
    )
    func wireForms(bytes: [UInt8], value: AMF0Value) throws {
        #expect(try decode(bytes) == [value])
    }

    @Test(
        "what is not AMF0, or too much of it, is refused",
        arguments: [
            ([4], AMFError.unknownMarker(4)), ([9], .unknownMarker(9)), ([14], .unknownMarker(14)),
            ([0x12], .unknownMarker(0x12)), ([0, 1, 2], .truncated), ([2, 0, 5, 1], .truncated), ([3, 0], .truncated),
            ([10, 0xFF, 0xFF, 0xFF, 0xFF], .truncated),
            ([12, 0xFF, 0xFF, 0xFF, 0xFF, 1], .stringTooLong(length: 0xFFFF_FFFF, allowed: 65_536)),
            ([UInt8](repeating: 5, count: 16_385), .tooManyValues(allowed: 16_384)),
        ] as [([UInt8], AMFError)]
    )
    func refused(bytes: [UInt8], error: AMFError) {
        #expect(throws: error) { try decode(bytes) }
    }

    @Test("depth is capped in objects and arrays alike")
    func depthBombs() {
        let arrays = (0..<10_000).flatMap { _ in [10, 0, 0, 0, 1] as [UInt8] }
        let objects = (0..<10_000).flatMap { _ in [3, 0, 1, 0x61] as [UInt8] }
        let maps = (0..<10_000).flatMap { _ in [8, 0, 0, 0, 1, 0, 0] as [UInt8] }
        for bomb in [arrays, objects, maps] {
            #expect(throws: AMFError.tooDeep(allowed: 16)) { try decode(bomb) }
        }
    }

    @Test("every truncation and any random bytes end in values or an error")
    func hostile() {
        var whole = ByteBuffer()
        whole.writeAMF0(Self.samples.filter { $0.string?.count ?? 0 < 100 })
        for length in 0..<whole.readableBytes {
            _ = try? AMF0Decoder.values(in: whole.getSlice(at: 0, length: length) ?? whole)
        }
        var generator = SeededGenerator(state: 3)
        var refusals = 0
        for _ in 0..<2000 {
            do { _ = try decode(generator.bytes(64).map { $0 & 0x1F }) } catch { refusals += 1 }
        }
        #expect(refusals > 1000)
    }
}
