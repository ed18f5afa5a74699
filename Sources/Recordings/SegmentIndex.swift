public import MediaCore
public import NIOCore

/// Where one segment of a recording's rendition lies: a record of `RENDITION.index`.
public struct SegmentLocation: Hashable, Sendable {
    /// The number of its file: `RENDITION-N.media`; 0 when its bytes are lost.
    public var file: UInt32
    /// The number of the initialization segment that applies to it.
    public var initialization: UInt32
    /// Where its bytes begin in the file.
    public var offset: UInt64
    /// How many bytes it has.
    public var length: UInt32
    /// How many of its first bytes are needed to show its first picture, if that is a sync sample; else 0.
    public var keyframeLength: UInt32
    /// Its length.
    public var duration: MediaTime
    /// Where it begins, counted from the beginning of the recording.
    public var start: MediaTime
    /// Whether EXT-X-DISCONTINUITY stands before it.
    public var isDiscontinuous: Bool
    /// Whether decoding can start here.
    public var isIndependent: Bool

    /// A segment at a place.
    public init(
        file: UInt32,
        initialization: UInt32,
        offset: UInt64,
        length: UInt32,
        keyframeLength: UInt32,
        duration: MediaTime,
        start: MediaTime,
        isDiscontinuous: Bool,
        isIndependent: Bool
    ) {
        self.file = file
        self.initialization = initialization
        self.offset = offset
        self.length = length
        self.keyframeLength = keyframeLength
        self.duration = duration
        self.start = start
        self.isDiscontinuous = isDiscontinuous
        self.isIndependent = isIndependent
    }

    /// Whether its bytes are lost: EXT-X-GAP.
    public var isLost: Bool { file == 0 }
}

/// The index of a recording's rendition: a record of fixed size for each segment, in order, so that one is found with one
/// read however long the recording is.
public enum SegmentIndex {
    /// The bytes of a record.
    public static let recordSize = 48

    /// A record.
    public static func write(_ location: SegmentLocation, to buffer: inout ByteBuffer) {
        buffer.writeInteger(location.file)
        buffer.writeInteger(location.initialization)
        buffer.writeInteger(location.offset)
        buffer.writeInteger(location.length)
        buffer.writeInteger(location.keyframeLength)
        buffer.writeInteger(location.duration.nanoseconds)
        buffer.writeInteger(location.start.nanoseconds)
        buffer.writeInteger((location.isDiscontinuous ? 1 : 0) | (location.isIndependent ? 2 : 0) as UInt64)
    }

    /// Reads a record; `nil` where there is none, or one whose times cannot be.
    public static func read(from buffer: inout ByteBuffer) -> SegmentLocation? {
        guard buffer.readableBytes >= recordSize,
            let (file, initialization) = buffer.readMultipleIntegers(as: (UInt32, UInt32).self),
            let offset = buffer.readInteger(as: UInt64.self),
            let (length, keyframeLength) = buffer.readMultipleIntegers(as: (UInt32, UInt32).self),
            let (duration, start, flags) = buffer.readMultipleIntegers(as: (Int64, Int64, UInt64).self),
            (0...MediaTime.limit.nanoseconds).contains(start), (0...MediaTime.limit.nanoseconds).contains(duration)
        else { return nil }
        return SegmentLocation(
            file: file,
            initialization: initialization,
            offset: offset,
            length: length,
            keyframeLength: keyframeLength,
            duration: MediaTime(nanoseconds: duration),
            start: MediaTime(nanoseconds: start),
            isDiscontinuous: flags & 1 != 0,
            isIndependent: flags & 2 != 0
        )
    }
}
