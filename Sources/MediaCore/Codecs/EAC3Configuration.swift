/// What `dec3` states of an E-AC-3 track (ETSI TS 102 366 §F.6), from the sync frames of an access unit.
public struct EAC3Configuration: Hashable, Sendable {
    /// What an access unit in a file has: six blocks of 256 (§F.6.1).
    public static let samplesPerAccessUnit = 1536

    /// In Hz.
    public let samplingFrequency: Int
    /// Channels of the first independent substream, and what its dependent ones add.
    public let channelCount: Int
    /// Samples in the access unit that this was read from.
    public let sampleCount: Int
    /// The payload of `dec3`.
    public let bytes: [UInt8]

    /// The most sync frames looked at in an access unit: eight independent substreams with eight dependent ones each.
    private static let maximumFrames = 72

    /// Reads the sync frames of an access unit.
    ///
    /// - Throws: ``CodecConfigurationError`` when one is broken, or the first one is not of an independent substream.
    public init(accessUnit: some RandomAccessCollection<UInt8>) throws(CodecConfigurationError) {
        var rest = accessUnit[...]
        var substreams: [Substream] = []
        var samples = 0
        var size = 0
        for _ in 0..<Self.maximumFrames where !rest.isEmpty {
            let frame = try SyncFrame(rest.prefix(SyncFrame.headerLength))
            guard frame.length <= rest.count else { throw .truncated }
            rest = rest.dropFirst(frame.length)
            size += frame.length
            if frame.isDependent {
                guard !substreams.isEmpty else { throw .malformed("E-AC-3 begins with a dependent substream") }
                substreams[substreams.count - 1].add(dependent: frame)
            } else if let index = substreams.firstIndex(where: { $0.frame.substreamID == frame.substreamID }) {
                // The next frame in time of a substream that is known.
                if index == 0 { samples += frame.sampleCount }
            } else {
                if substreams.isEmpty { samples += frame.sampleCount }
                substreams.append(Substream(frame: frame))
            }
        }
        guard let first = substreams.first, rest.isEmpty else { throw .truncated }
        samplingFrequency = first.frame.samplingFrequency
        channelCount = first.channelCount
        sampleCount = samples
        bytes = Self.record(substreams, kilobitsPerSecond: size * 8 * samplingFrequency / samples / 1000)
    }

    /// Whether frames of another configuration go on in the same track: a changed bit rate does no harm.
    public func continues(_ other: EAC3Configuration) -> Bool {
        bytes.count == other.bytes.count && bytes[1] & 0x07 == other.bytes[1] & 0x07
            && bytes.dropFirst(2) == other.bytes.dropFirst(2)
    }

    /// data_rate and num_ind_sub, and each independent substream.
    private static func record(_ substreams: [Substream], kilobitsPerSecond: Int) -> [UInt8] {
        let head = UInt16(clamping: min(kilobitsPerSecond, 0x1FFF)) << 3 | UInt16(substreams.count - 1) & 7
        var bytes = [UInt8(head >> 8), UInt8(truncatingIfNeeded: head)]
        for substream in substreams.prefix(8) { bytes += substream.record }
        return bytes
    }
}

/// An independent substream with what its dependent ones add.
private struct Substream {
    let frame: SyncFrame
    var dependentCount: UInt8 = 0
    /// chan_loc: nine bits, from Lc/Rc to LFE2 (§F.6.3).
    var locations: UInt16 = 0

    init(frame: SyncFrame) { self.frame = frame }

    mutating func add(dependent: SyncFrame) {
        dependentCount = min(dependentCount + 1, 15)
        // chanmap (§E.1.3.1.8), from its highest bit: five locations that every substream has, eight that dependent ones
        // add, one that `dec3` has no bit for, LFE2 and LFE.
        locations |= dependent.channelMap >> 2 & 0x1FE | dependent.channelMap >> 1 & 1
    }

    var channelCount: Int {
        // Of the locations, these are pairs: Lc/Rc, Lrs/Rrs, Lsd/Rsd, Lw/Rw, Lvh/Rvh.
        let pairs: UInt16 = 0b1_1001_1100
        return frame.channelCount + locations.nonzeroBitCount + (locations & pairs).nonzeroBitCount
    }

    var record: [UInt8] {
        let first = frame.frequencyCode << 6 | frame.version << 1
        let second = frame.layout << 1 | frame.lowFrequency
        guard dependentCount > 0 else { return [first, second, 0] }
        return [first, second, dependentCount << 1 | UInt8(locations >> 8), UInt8(truncatingIfNeeded: locations)]
    }
}

/// The header of an E-AC-3 sync frame (ETSI TS 102 366 §E.1.2).
private struct SyncFrame {
    static let headerLength = 12

    let isDependent: Bool
    let substreamID: UInt8
    /// In bytes.
    let length: Int
    let frequencyCode: UInt8
    let samplingFrequency: Int
    let sampleCount: Int
    let layout: UInt8
    let lowFrequency: UInt8
    let version: UInt8
    /// chanmap of a dependent substream, else 0.
    let channelMap: UInt16

    var channelCount: Int { AC3Configuration.channelCounts[Int(layout)] + Int(lowFrequency) }

    init(_ bytes: some Sequence<UInt8>) throws(CodecConfigurationError) {
        var reader = BitReader(bytes)
        guard try reader.read(16) == 0x0B77 else { throw .malformed("no E-AC-3 syncword") }
        let type = try reader.read(2)
        guard type < 3 else { throw .malformed("E-AC-3 stream type 3, which is reserved") }
        isDependent = type == 1
        substreamID = UInt8(try reader.read(3))
        length = (Int(try reader.read(11)) + 1) * 2
        frequencyCode = UInt8(try reader.read(2))
        let second = Int(try reader.read(2))  // fscod2 or numblkscod
        if frequencyCode == 3 {
            guard second < 3 else { throw .malformed("E-AC-3 sampling frequency code 3") }
            samplingFrequency = [24_000, 22_050, 16_000][second]
            sampleCount = 1536
        } else {
            samplingFrequency = [48_000, 44_100, 32_000][Int(frequencyCode)]
            sampleCount = [256, 512, 768, 1536][second]
        }
        layout = UInt8(try reader.read(3))
        lowFrequency = UInt8(try reader.read(1))
        version = UInt8(try reader.read(5))
        guard (11...16).contains(version) else {
            throw .malformed("E-AC-3 bitstream version \(version), expected 11 to 16")
        }
        for _ in 0..<(layout == 0 ? 2 : 1) {
            try reader.skip(5)  // dialnorm
            if try reader.readFlag() { try reader.skip(8) }  // compr
        }
        guard isDependent, try reader.readFlag() else {
            channelMap = 0
            return
        }
        channelMap = UInt16(try reader.read(16))
    }
}
