/// One packet of 188 bytes (ISO/IEC 13818-1 §2.4.3.2).
struct TransportPacket {
    let number: Int
    let pid: UInt16
    /// payload_unit_start_indicator.
    let isStart: Bool
    let counter: UInt8
    /// random_access_indicator.
    let isRandomAccess: Bool
    /// program_clock_reference in ticks of 27 MHz.
    let clock: Int64?
    /// `nil` when there is an adaptation field alone.
    let payload: ArraySlice<UInt8>?

    init(_ bytes: ArraySlice<UInt8>, number: Int) throws(TransportStreamFault) {
        self.number = number
        let start = bytes.startIndex
        func fail(_ problem: String) -> TransportStreamFault { TransportStreamFault(packet: number, problem: problem) }
        guard bytes[start] == 0x47 else { throw fail("sync byte \(bytes[start])") }
        guard bytes[start + 1] & 0xA0 == 0 else { throw fail("transport error or priority") }
        guard bytes[start + 3] & 0xC0 == 0 else { throw fail("scrambled") }
        pid = UInt16(bytes[start + 1] & 0x1F) << 8 | UInt16(bytes[start + 2])
        isStart = bytes[start + 1] & 0x40 != 0
        counter = bytes[start + 3] & 0x0F
        var rest = bytes[(start + 4)...]
        var randomAccess = false
        var clock: Int64?
        let control = bytes[start + 3] >> 4 & 3
        guard control != 0 else { throw fail("adaptation_field_control 0") }
        if control & 2 != 0 {
            let length = Int(rest.removeFirst())
            guard control == 2 ? length == 183 : length <= 182 else {
                throw fail("adaptation field of \(length) bytes")
            }
            var field = rest.prefix(length)
            rest = rest.dropFirst(length)
            if let flags = field.popFirst() {
                // Only the random access indicator and the clock have a place in what we make.
                guard flags & ~0x50 == 0 else { throw fail("adaptation field flags \(flags)") }
                randomAccess = flags & 0x40 != 0
                if flags & 0x10 != 0 { clock = try Self.clock(&field, number) }
                guard field.allSatisfy({ $0 == 0xFF }) else { throw fail("stuffing that is not 0xFF") }
            }
        }
        isRandomAccess = randomAccess
        self.clock = clock
        payload = control & 1 != 0 ? rest : nil
        guard payload != nil || !isStart else { throw fail("a start without payload") }
    }

    private static func clock(_ field: inout ArraySlice<UInt8>, _ number: Int) throws(TransportStreamFault) -> Int64 {
        guard field.count >= 6 else { throw TransportStreamFault(packet: number, problem: "clock cut short") }
        let value = field.prefix(6).reduce(Int64(0)) { $0 << 8 | Int64($1) }
        field = field.dropFirst(6)
        guard value >> 9 & 0x3F == 0x3F else {
            throw TransportStreamFault(packet: number, problem: "reserved bits of the clock")
        }
        let fraction = value & 0x1FF
        guard fraction < 300 else { throw TransportStreamFault(packet: number, problem: "clock extension \(fraction)") }
        return (value >> 15) * 300 + fraction
    }

    func fail(_ problem: String) -> TransportStreamFault { TransportStreamFault(packet: number, problem: problem) }
}

/// Reads the program association and map (§2.4.4), each section in a packet of its own.
struct ProgramTableReader {
    private(set) var mapPID: UInt16?
    private(set) var streams: [TransportStreamContent.Stream] = []
    private(set) var clockPID: UInt16 = 0x1FFF

    /// Takes a packet.
    ///
    /// - Returns: whether it belongs to a table.
    mutating func take(_ packet: TransportPacket) throws(TransportStreamFault) -> Bool {
        guard packet.pid == 0 || packet.pid == mapPID else {
            guard mapPID != nil, !streams.isEmpty else { throw packet.fail("media before the tables") }
            return false
        }
        let isMap = packet.pid != 0
        let body = try section(packet, tableID: isMap ? 2 : 0)
        if isMap { try readMap(body, packet) } else { try readAssociation(body, packet) }
        return true
    }

    /// The part of a section between last_section_number and the checksum.
    private func section(_ packet: TransportPacket, tableID: UInt8) throws(TransportStreamFault) -> [UInt8] {
        let payload = Array(packet.payload ?? [])
        guard packet.isStart, payload.count > 12, payload[0] == 0 else {
            throw packet.fail("section does not begin here")
        }
        guard payload[1] == tableID else { throw packet.fail("table \(payload[1]), expected \(tableID)") }
        guard payload[2] & 0xF0 == 0xB0 else { throw packet.fail("section syntax") }
        let length = Int(payload[2] & 0x0F) << 8 | Int(payload[3])
        guard length >= 9, 4 + length <= payload.count else { throw packet.fail("section length \(length)") }
        let section = Array(payload[1..<4 + length])
        guard section[5] & 0xC1 == 0xC1 else { throw packet.fail("section is not current") }
        guard section[6] == 0, section[7] == 0 else { throw packet.fail("more than one section") }
        // §A.0: with the checksum itself, the remainder is nothing.
        guard Self.remainder(section) == 0 else { throw packet.fail("checksum") }
        guard payload[(4 + length)...].allSatisfy({ $0 == 0xFF }) else {
            throw packet.fail("stuffing behind the section")
        }
        return Array(section[8..<section.count - 4])
    }

    private mutating func readAssociation(_ body: [UInt8], _ packet: TransportPacket) throws(TransportStreamFault) {
        // RFC 8216 §3.2: a single program.
        guard body.count == 4, body[0] != 0 || body[1] != 0, body[2] & 0xE0 == 0xE0 else {
            throw packet.fail("program association \(body)")
        }
        let pid = UInt16(body[2] & 0x1F) << 8 | UInt16(body[3])
        guard pid >= 0x10, pid < 0x1FFF else { throw packet.fail("program map on PID \(pid)") }
        guard mapPID == nil || mapPID == pid else { throw packet.fail("program map moves to PID \(pid)") }
        mapPID = pid
    }

    private mutating func readMap(_ body: [UInt8], _ packet: TransportPacket) throws(TransportStreamFault) {
        guard body.count >= 4, body[0] & 0xE0 == 0xE0, body[2] == 0xF0, body[3] == 0 else {
            throw packet.fail("program map \(body)")
        }
        let clock = UInt16(body[0] & 0x1F) << 8 | UInt16(body[1])
        var found: [TransportStreamContent.Stream] = []
        var rest = body[4...]
        while !rest.isEmpty {
            let entry = Array(rest.prefix(5))
            guard entry.count == 5, entry[1] & 0xE0 == 0xE0, entry[3] & 0xF0 == 0xF0 else {
                throw packet.fail("program map entry \(entry)")
            }
            let length = Int(entry[3] & 0x0F) << 8 | Int(entry[4])
            rest = rest.dropFirst(5)
            guard length <= rest.count else { throw packet.fail("descriptors of \(length) bytes") }
            let pid = UInt16(entry[1] & 0x1F) << 8 | UInt16(entry[2])
            found.append(.init(pid: pid, type: entry[0], descriptors: Array(rest.prefix(length))))
            rest = rest.dropFirst(length)
        }
        guard found.contains(where: { $0.pid == clock }) else { throw packet.fail("clock on PID \(clock)") }
        guard streams.isEmpty || streams == found else { throw packet.fail("the program map changes within a segment") }
        (streams, clockPID) = (found, clock)
    }

    /// The division of Annex A, bit by bit.
    private static func remainder(_ bytes: [UInt8]) -> UInt32 {
        var register: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            for shift in 0..<8 {
                let carry = UInt8(register >> 31) ^ (byte >> UInt8(7 - shift) & 1)
                register <<= 1
                if carry == 1 { register ^= 0x04C1_1DB7 }
            }
        }
        return register
    }
}
