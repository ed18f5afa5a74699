internal import NIOCore

/// Writes packets of 188 bytes (ISO/IEC 13818-1 §2.4.3.2) into one buffer of the size that all of them need.
struct TransportPacketWriter {
    /// The size of a packet.
    static let packetSize = 188
    /// What a packet holds behind its header.
    static let payloadSize = packetSize - 4
    /// The size of an adaptation field that has a clock.
    static let clockFieldSize = 8

    /// The packets so far.
    private(set) var output: ByteBuffer
    /// The next continuity_counter of each stream.
    private var counters: [UInt8]
    private var tableCounter: UInt8 = 0

    init(packetCount: Int, streamCount: Int) {
        output = ByteBufferAllocator().buffer(capacity: packetCount * Self.packetSize)
        counters = [UInt8](repeating: 0, count: streamCount)
    }

    // MARK: - Tables

    /// Writes the tables, each in a packet of its own.
    mutating func write(_ tables: ProgramTables) {
        write(section: tables.association, pid: ProgramTables.associationPID)
        write(section: tables.map, pid: ProgramTables.mapPID)
        tableCounter = (tableCounter + 1) & 15
    }

    private mutating func write(section: [UInt8], pid: UInt16) {
        writePacketHeader(pid: pid, isStart: true, hasAdaptation: false, counter: tableCounter)
        output.writeInteger(UInt8(0))  // pointer_field
        output.writeBytes(section)
        output.writeRepeatingByte(0xFF, count: Self.payloadSize - 1 - section.count)
    }

    // MARK: - Streams

    /// Writes a packet that has a clock and no payload, and does not count (§2.4.3.3).
    mutating func writeClock(_ clock: Int64, pid: UInt16, _ stream: Int) {
        let last = (counters[stream] &- 1) & 15
        output.writeInteger(UInt32(0x4700_0020) | UInt32(pid) << 8 | UInt32(last))
        writeAdaptationField(size: Self.payloadSize, clock: clock, isRandomAccess: false)
    }

    /// Writes a PES packet.
    ///
    /// - Parameters:
    ///   - bytes: the packet, of at least `packetCount` bytes.
    ///   - pid: its PID.
    ///   - stream: its stream, whose counter goes on.
    ///   - packetCount: how many packets it is spread over, at least as many as it needs.
    ///   - clock: the clock in front of it.
    ///   - isRandomAccess: whether decoding can start with it.
    mutating func write(
        _ bytes: UnsafeRawBufferPointer,
        pid: UInt16,
        _ stream: Int,
        packetCount: Int,
        clock: Int64?,
        isRandomAccess: Bool
    ) {
        var position = 0
        for index in 0..<packetCount {
            let minimum = index == 0 && clock != nil ? Self.clockFieldSize : 0
            // As much as there is room for, but a byte for each packet that follows.
            let size = min(Self.payloadSize - minimum, bytes.count - position - (packetCount - 1 - index))
            let adaptation = Self.payloadSize - size
            writePacketHeader(
                pid: pid,
                isStart: index == 0,
                hasAdaptation: adaptation > 0,
                counter: counters[stream]
            )
            counters[stream] = (counters[stream] + 1) & 15
            if adaptation > 0 {
                writeAdaptationField(
                    size: adaptation,
                    clock: index == 0 ? clock : nil,
                    isRandomAccess: index == 0 && isRandomAccess
                )
            }
            output.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[position..<position + size]))
            position += size
        }
    }

    // MARK: - Fields

    private mutating func writePacketHeader(pid: UInt16, isStart: Bool, hasAdaptation: Bool, counter: UInt8) {
        var header = UInt32(0x4700_0010) | UInt32(pid) << 8 | UInt32(counter)
        if isStart { header |= 0x40_0000 }
        if hasAdaptation { header |= 0x20 }
        output.writeInteger(header)
    }

    /// An adaptation field of so many bytes, its length included (§2.4.3.4): what is not needed is stuffing.
    private mutating func writeAdaptationField(size: Int, clock: Int64?, isRandomAccess: Bool) {
        output.writeInteger(UInt8(truncatingIfNeeded: size - 1))
        guard size > 1 else { return }
        output.writeInteger(UInt8(isRandomAccess ? 0x40 : 0) | UInt8(clock == nil ? 0 : 0x10))
        guard let clock else {
            output.writeRepeatingByte(0xFF, count: size - 2)
            return
        }
        // program_clock_reference_base of 33 bits, six reserved ones, and no extension.
        let base = UInt64(bitPattern: clock) & 0x1_FFFF_FFFF
        output.writeInteger(UInt32(truncatingIfNeeded: base >> 1))
        output.writeInteger(UInt16(truncatingIfNeeded: base & 1) << 15 | 0x7E00)
        output.writeRepeatingByte(0xFF, count: size - Self.clockFieldSize)
    }
}
