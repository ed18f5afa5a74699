internal import NIOCore

/// The tables by which receivers find the streams of a transport stream (ISO/IEC 13818-1 §2.4.4).
struct ProgramTables {
    /// The PID of the program association table.
    static let associationPID: UInt16 = 0
    /// The PID of the program map table.
    static let mapPID: UInt16 = 0x1000
    private static let programNumber: UInt16 = 1

    /// The program association section: one program.
    let association: [UInt8]
    /// The program map section.
    let map: [UInt8]

    /// The tables of some streams.
    ///
    /// - Parameters:
    ///   - streams: the streams, which fit one packet.
    ///   - clockPID: the PID that has the clock.
    init(_ streams: [ElementaryStream], clockPID: UInt16) {
        association = Self.section(
            tableID: 0,
            extension: 1,
            version: 0,
            Self.bytes(Self.programNumber) + Self.bytes(0xE000 | Self.mapPID)
        )
        var body = Self.bytes(0xE000 | clockPID) + Self.bytes(0xF000)
        for stream in streams {
            body += [stream.type] + Self.bytes(0xE000 | stream.pid)
            body += Self.bytes(0xF000 | UInt16(clamping: stream.descriptors.count)) + stream.descriptors
        }
        // A receiver takes up another map by its version. Segments know nothing of each other, so that follows from the
        // content.
        let version = UInt8(truncatingIfNeeded: CRC32.checksum(body) & 0x1F)
        map = Self.section(tableID: 2, extension: Self.programNumber, version: version, body)
    }

    private static func section(tableID: UInt8, extension number: UInt16, version: UInt8, _ body: [UInt8]) -> [UInt8] {
        // section_length counts from behind itself to the end of the checksum.
        let length = UInt16(clamping: 5 + body.count + 4)
        var section = [tableID] + bytes(0xB000 | length) + bytes(number)
        section += [0xC1 | version << 1, 0, 0]
        section += body
        let checksum = CRC32.checksum(section)
        return section + bytes(UInt16(checksum >> 16)) + bytes(UInt16(truncatingIfNeeded: checksum))
    }

    private static func bytes(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(truncatingIfNeeded: number)] }
}

/// The checksum of sections (ISO/IEC 13818-1 Annex A): polynomial 0x04C11DB7, from all ones, highest bit first.
enum CRC32 {
    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var value = UInt32.max
        for byte in bytes {
            value ^= UInt32(byte) << 24
            for _ in 0..<8 { value = value & 0x8000_0000 == 0 ? value << 1 : value << 1 ^ 0x04C1_1DB7 }
        }
        return value
    }
}
