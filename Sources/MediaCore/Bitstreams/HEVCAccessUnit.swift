public import NIOCore

/// What the NAL units of an HEVC access unit say about it (ISO/IEC 23008-2 §7.3.1.2, table 7-1).
///
/// Parameter sets among them are left where they are. ISO/IEC 14496-15 §8.4.1.1 wants none in samples of `hvc1`, but encoders
/// repeat them there, decoders take them, and one that changes its picture without a new sequence header needs them.
public struct HEVCAccessUnit {
    /// The NAL units, each after its length, none of them empty.
    public let payload: ByteBuffer
    /// Whether the picture is an intra random access point: BLA, IDR or CRA (types 16 to 23).
    public let isRandomAccessPoint: Bool

    /// Reads the NAL unit headers, or returns `nil` when a length passes the end or only empty NAL units are there.
    ///
    /// - Parameters:
    ///   - payload: NAL units, each after its length.
    ///   - lengthSize: the size of the lengths: 1, 2 or 4 bytes.
    public init?(_ payload: ByteBuffer, lengthSize: Int) {
        var hasRandomAccess = false
        let kept = LengthPrefixedNALUnits.read(payload, lengthSize: lengthSize) { header, _, _ in
            if (16...23).contains(header >> 1 & 0x3F) { hasRandomAccess = true }
        }
        guard let kept else { return nil }
        self.payload = kept
        isRandomAccessPoint = hasRandomAccess
    }
}
