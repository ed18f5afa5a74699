// Makes a transport stream of a stored segment, when somebody asks for one.
//
// Segments are made each by itself, also for a viewer who comes in the middle, and yet continuity_counter must go on from one
// to the next (RFC 8216 §3.2; Apple's authoring specification 7.2). So every PID has a multiple of sixteen packets with
// payload in every segment, or none: each segment begins with 0 and ends with 15. The tables come sixteen times, evenly over
// the segment; of each stream the last PES packet is spread over up to fifteen packets more than it needs, filled up with
// stuffing. As a PES packet has sixteen bytes at least, there is one for each of the packets.
//
// Invariants, named by the tests:
// 1. Per PID, the packets with payload of a segment are a multiple of sixteen, counted from 0.
// 2. The clock (PCR) rises, over segments too, and no two are further apart than a tenth of a second.
// 3. Decode times are `clockLead` behind the clock of the same moment, but for pictures of encoders with negative
//    composition offsets.
// 4. The segment has the size that was planned before it was written.

internal import MediaCore
public import NIOCore

/// A segment as an MPEG-2 transport stream (ISO/IEC 13818-1, RFC 8216 §3.2).
public struct TransportStreamSegment {
    /// How much later than their place in the stream samples are decoded, in ticks of 90 kHz: half a second.
    static let clockLead: Int64 = 45_000
    /// The longest time between two clocks, in ticks of 90 kHz (§2.7.2).
    static let clockInterval: Int64 = 9000
    /// A bound on packets that have nothing but a clock: a minute without a sample, which no segment has.
    private static let maximumClocks = 600
    /// How often the tables come.
    private static let tableCount = 16

    /// Its bytes.
    public let bytes: ByteBuffer

    /// Whether the tracks of an initialization segment can be carried.
    ///
    /// - Throws: ``TransportStreamError`` with the reason when they cannot.
    public static func check(initialization: ByteBuffer) throws(TransportStreamError) {
        _ = try ElementaryStream.streams(
            of: read { () throws(FragmentError) in
                try InitializationSegmentReader.tracks(of: initialization)
            }
        )
    }

    /// Makes the transport stream of a segment.
    ///
    /// - Parameters:
    ///   - initialization: the initialization segment that applies to it.
    ///   - pieces: the bytes of the segment, each piece of whole fragments.
    /// - Throws: ``TransportStreamError`` when it cannot be carried or read, or has no samples.
    /// - Complexity: O(*n*) in the bytes.
    public init(initialization: ByteBuffer, pieces: [ByteBuffer]) throws(TransportStreamError) {
        let tracks = try Self.read { () throws(FragmentError) in
            try InitializationSegmentReader.tracks(of: initialization)
        }
        let streams = try ElementaryStream.streams(of: tracks)
        let samples = try Self.read { () throws(FragmentError) in try FragmentReader.samples(of: pieces) }
        let plan = try Plan(streams, samples)
        bytes = plan.written()
    }

    private static func read<Result>(
        _ body: () throws(FragmentError) -> Result
    ) throws(TransportStreamError) -> Result {
        do throws(FragmentError) {
            return try body()
        } catch {
            throw .unreadable("\(error)")
        }
    }

    // MARK: - The plan

    /// What a segment consists of, in its order.
    private struct Plan {
        private enum Item {
            case tables
            /// A packet with nothing but the clock of a moment.
            case clock(Int64)
            /// A PES packet, by its index.
            case packet(Int)
        }

        private let streams: [ElementaryStream]
        /// The stream that has the clock.
        private let clockStream: Int
        private let pes: PESWriter
        private var items: [Item] = []
        /// For each PES packet, how many packets of the transport stream it takes.
        private var counts: [Int] = []

        init(_ streams: [ElementaryStream], _ samples: [UInt32: [Sample]]) throws(TransportStreamError) {
            self.streams = streams
            pes = try Self.packets(of: streams, samples)
            // That of the pictures, if there are any.
            guard let clockStream = pes.packets.map(\.stream).min() else { throw .empty }
            self.clockStream = clockStream
            counts = pes.packets.map { $0.naturalCount(hasClock: $0.stream == clockStream) }
            for stream in streams.indices { fillUp(stream) }
            arrange(end: end(samples[streams[clockStream].trackID] ?? []))
        }

        /// When the last sample of the stream with the clock ends, on the timeline of the packets.
        private func end(_ samples: [Sample]) -> Int64 {
            guard let last = samples.last, let packet = pes.packets.last(where: { $0.stream == clockStream }) else {
                return 0
            }
            let stream = streams[clockStream]
            let (begins, ends) = (last.decodeTime, last.decodeTime + last.duration)
            guard stream.kind == .video else { return PESWriter.ticks(ends, timescale: stream.timescale) }
            return packet.decodeTime + PESWriter.ticks(ends - begins, timescale: stream.timescale)
        }

        private static func packets(
            of streams: [ElementaryStream],
            _ samples: [UInt32: [Sample]]
        ) throws(TransportStreamError) -> PESWriter {
            var capacity = 0
            for stream in streams {
                var overhead = 32
                if case .annexB(let format) = stream.form { overhead += format.overhead }
                for sample in samples[stream.trackID] ?? [] { capacity += sample.payload.readableBytes + overhead }
            }
            var pes = PESWriter(capacity: capacity)
            for (index, stream) in streams.enumerated() {
                let samples = samples[stream.trackID] ?? []
                switch stream.form {
                case .annexB(let format): try pes.writePictures(samples, of: stream, at: index, format)
                case .adts, .frames: pes.writeSound(samples, of: stream, at: index)
                }
            }
            return pes
        }

        /// Spreads the last packet of a stream, so that all have a multiple of sixteen (invariant 1).
        private mutating func fillUp(_ stream: Int) {
            guard let last = pes.packets.lastIndex(where: { $0.stream == stream }) else { return }
            let count = zip(pes.packets, counts).reduce(0) { $0 + ($1.0.stream == stream ? $1.1 : 0) }
            counts[last] += -count & 15
        }

        /// Puts everything into the order of decoding, with the tables and the clocks that are due between.
        ///
        /// A packet with the clock comes first, also where there is sound a little before it.
        private mutating func arrange(end: Int64) {
            let start = pes.packets.first { $0.stream == clockStream }?.decodeTime ?? 0
            let order = pes.packets.indices.sorted {
                let (left, right) = (pes.packets[$0], pes.packets[$1])
                return (max(left.decodeTime, start), left.stream, $0) < (max(right.decodeTime, start), right.stream, $1)
            }
            var clock = start
            var tables = 0
            for index in order {
                let packet = pes.packets[index]
                while tables < TransportStreamSegment.tableCount,
                    start + (end - start) * Int64(tables) / Int64(TransportStreamSegment.tableCount)
                        <= max(packet.decodeTime, start)
                {
                    items.append(.tables)
                    tables += 1
                }
                addClocks(until: min(packet.decodeTime, end), after: &clock)
                if packet.stream == clockStream { clock = packet.decodeTime }
                items.append(.packet(index))
            }
            addClocks(until: end, after: &clock)
            for _ in tables..<TransportStreamSegment.tableCount { items.append(.tables) }
        }

        /// Adds packets with the clock alone, where it would not come for too long (invariant 2).
        private mutating func addClocks(until time: Int64, after clock: inout Int64) {
            var count = 0
            while time - clock > TransportStreamSegment.clockInterval, count < TransportStreamSegment.maximumClocks {
                clock += TransportStreamSegment.clockInterval
                count += 1
                items.append(.clock(clock))
            }
        }

        // MARK: - Writing

        /// The segment (invariant 4).
        func written() -> ByteBuffer {
            let packetCount = items.reduce(0) { count, item in
                switch item {
                case .tables: count + 2
                case .clock: count + 1
                case .packet(let index): count + counts[index]
                }
            }
            let tables = ProgramTables(streams, clockPID: streams[clockStream].pid)
            var writer = TransportPacketWriter(packetCount: packetCount, streamCount: streams.count)
            pes.bytes.withUnsafeReadableBytes { bytes in
                for item in items {
                    switch item {
                    case .tables: writer.write(tables)
                    case .clock(let time):
                        writer.writeClock(time - clockLead, pid: streams[clockStream].pid, clockStream)
                    case .packet(let index):
                        let packet = pes.packets[index]
                        let hasClock = packet.stream == clockStream
                        writer.write(
                            UnsafeRawBufferPointer(rebasing: bytes[packet.range]),
                            pid: streams[packet.stream].pid,
                            packet.stream,
                            packetCount: counts[index],
                            clock: hasClock ? packet.decodeTime - clockLead : nil,
                            isRandomAccess: hasClock && packet.isSync
                        )
                    }
                }
            }
            return writer.output
        }
    }
}

extension PESPacket {
    /// How many packets of the transport stream it needs.
    fileprivate func naturalCount(hasClock: Bool) -> Int {
        let room = TransportPacketWriter.payloadSize
        let size = range.count + (hasClock ? TransportPacketWriter.clockFieldSize : 0)
        return (size + room - 1) / room
    }
}
