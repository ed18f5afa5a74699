/// What is wrong with a transport stream, and in which packet.
public struct TransportStreamFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// The number of the packet within its segment.
    public let packet: Int
    /// The problem in words.
    public let problem: String

    /// The problem with its place.
    public var description: String { "packet \(packet): \(problem)" }
}

/// A segment of a transport stream, taken apart.
public struct TransportStreamContent: Sendable {
    /// A stream of the program map.
    public struct Stream: Hashable, Sendable {
        /// Its PID.
        public let pid: UInt16
        /// stream_type.
        public let type: UInt8
        /// Its descriptors, one behind the other.
        public let descriptors: [UInt8]
    }

    /// A program clock reference.
    public struct Clock: Hashable, Sendable {
        /// In ticks of 27 MHz.
        public let value: Int64
        /// The number of its packet.
        public let packet: Int
    }

    /// The streams of the program.
    public internal(set) var streams: [Stream] = []
    /// The PID that has the clock.
    public internal(set) var clockPID: UInt16 = 0x1FFF
    /// The clocks, in order.
    public internal(set) var clocks: [Clock] = []
    /// The PES packets, in the order of their beginnings.
    public internal(set) var packets: [PESContent] = []
    /// The numbers of the packets with a program map.
    public internal(set) var mapPackets: [Int] = []
    /// How many packets with payload each PID has.
    public internal(set) var payloadPackets: [UInt16: Int] = [:]
    /// How many packets there are.
    public internal(set) var packetCount = 0

    /// The PES packets of a stream type.
    public func packets(ofType type: UInt8) -> [PESContent] {
        let pids = streams.filter { $0.type == type }.map(\.pid)
        return packets.filter { pids.contains($0.pid) }
    }
}

/// Reads the segments of one transport stream one after the other, as a demanding receiver would: whatever ISO/IEC 13818-1
/// and RFC 8216 §3.2 do not allow is an error, within a segment and from one to the next.
///
/// Written from the standards, independently of any writer in Sources/.
public struct TransportStreamReader: Sendable {
    /// The continuity_counter of the last packet of each PID.
    private var counters: [UInt16: UInt8] = [:]
    private var lastClock: Int64?
    private var lastDecodeTimes: [UInt16: Int64] = [:]

    private static let wrap: Int64 = 1 << 33

    /// A reader that has seen nothing.
    public init() {}

    /// Notes that EXT-X-DISCONTINUITY stands before the next segment.
    public mutating func discontinuity() {
        self = TransportStreamReader()
    }

    /// Reads the next segment.
    public mutating func read(_ bytes: [UInt8]) throws(TransportStreamFault) -> TransportStreamContent {
        guard bytes.count % 188 == 0, !bytes.isEmpty else {
            throw TransportStreamFault(packet: 0, problem: "\(bytes.count) bytes are no whole packets")
        }
        var content = TransportStreamContent()
        var tables = ProgramTableReader()
        var open: [UInt16: PESAssembler] = [:]
        for number in 0..<bytes.count / 188 {
            let packet = try TransportPacket(bytes[number * 188..<(number + 1) * 188], number: number)
            try count(packet)
            content.packetCount += 1
            if packet.payload != nil { content.payloadPackets[packet.pid, default: 0] += 1 }
            if let clock = packet.clock { try take(clock, of: packet, into: &content) }
            guard let payload = packet.payload else { continue }
            if try tables.take(packet) {
                if packet.pid == tables.mapPID { content.mapPackets.append(number) }
                (content.streams, content.clockPID) = (tables.streams, tables.clockPID)
                continue
            }
            guard content.streams.contains(where: { $0.pid == packet.pid }) else {
                throw packet.fail("PID \(packet.pid) is not in the program map")
            }
            if packet.isStart {
                try finish(open.removeValue(forKey: packet.pid), into: &content)
                open[packet.pid] = PESAssembler(packet, clock: lastClock)
            } else if open[packet.pid] == nil {
                throw packet.fail("PID \(packet.pid) begins in the middle of a PES packet")
            }
            open[packet.pid]?.append(payload)
        }
        for assembler in open.values.sorted(by: { $0.number < $1.number }) { try finish(assembler, into: &content) }
        content.packets.sort { $0.packet < $1.packet }
        try expectDecodeTimes(content)
        guard !content.packets.isEmpty, !content.clocks.isEmpty else {
            throw TransportStreamFault(packet: 0, problem: "no media or no clock")
        }
        return content
    }

    /// §2.4.3.3: the counter goes on with each packet that has payload, and only with those.
    private mutating func count(_ packet: TransportPacket) throws(TransportStreamFault) {
        guard let last = counters[packet.pid] else {
            counters[packet.pid] = packet.counter
            return
        }
        let expected = packet.payload == nil ? last : (last + 1) & 15
        guard packet.counter == expected else {
            throw packet.fail("PID \(packet.pid) has continuity counter \(packet.counter), expected \(expected)")
        }
        counters[packet.pid] = packet.counter
    }

    /// §2.7.2: at least every 100 ms; and it never goes back.
    private mutating func take(
        _ clock: Int64,
        of packet: TransportPacket,
        into content: inout TransportStreamContent
    ) throws(TransportStreamFault) {
        guard content.streams.isEmpty || packet.pid == content.clockPID else {
            throw packet.fail("PID \(packet.pid) has a clock, \(content.clockPID) should")
        }
        if let last = lastClock {
            let step = Self.difference(clock / 300, last / 300)
            guard step > 0, step <= 9000 else { throw packet.fail("the clock moves by \(step) ticks of 90 kHz") }
        }
        lastClock = clock
        content.clocks.append(TransportStreamContent.Clock(value: clock, packet: packet.number))
    }

    private func finish(
        _ assembler: PESAssembler?,
        into content: inout TransportStreamContent
    ) throws(TransportStreamFault) {
        guard let assembler else { return }
        content.packets.append(try assembler.finish())
    }

    /// Decode times rise from packet to packet, and come after the clock at their place, by a second at most (§2.7.4).
    private mutating func expectDecodeTimes(_ content: TransportStreamContent) throws(TransportStreamFault) {
        for packet in content.packets {
            func fail(_ problem: String) -> TransportStreamFault {
                TransportStreamFault(packet: packet.packet, problem: problem)
            }
            if let last = lastDecodeTimes[packet.pid], Self.difference(packet.decodeTime, last) <= 0 {
                throw fail("decode time \(packet.decodeTime) after \(last)")
            }
            guard Self.difference(packet.presentationTime, packet.decodeTime) >= 0 else {
                throw fail("shown at \(packet.presentationTime), before it is decoded at \(packet.decodeTime)")
            }
            guard let clock = packet.clock else { throw fail("media before the first clock") }
            let lead = Self.difference(packet.decodeTime, clock / 300)
            guard (0...90_000).contains(lead) else { throw fail("decoded \(lead) ticks after the clock of its place") }
            lastDecodeTimes[packet.pid] = packet.decodeTime
        }
    }

    /// How much later one time of 33 bits is than another, whichever way round is shorter.
    public static func difference(_ left: Int64, _ right: Int64) -> Int64 {
        let distance = (left - right) & (wrap - 1)
        return distance < wrap / 2 ? distance : distance - wrap
    }
}
