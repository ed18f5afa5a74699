public import NIOCore

/// What the NAL units of an H.264 access unit say about it (ISO/IEC 14496-10 §7.3.1, §7.4.1.2).
///
/// Encoders' tags call pictures keyframes that are none, and leave it out for pictures that are: the bitstream decides.
public struct AVCAccessUnit {
    /// The NAL units, each after its length, none of them empty.
    public let payload: ByteBuffer
    /// Whether a slice of an IDR picture is among them (type 5).
    public let hasInstantaneousDecoderRefresh: Bool
    /// Whether a recovery point is among them (§D.1.8): decoding may start here, and some frames later all is well.
    public let hasRecoveryPoint: Bool

    /// Reads the NAL unit headers, or returns `nil` when a length passes the end or only empty NAL units are there.
    ///
    /// - Parameters:
    ///   - payload: NAL units, each after its length.
    ///   - lengthSize: the size of the lengths: 1, 2 or 4 bytes.
    public init?(_ payload: ByteBuffer, lengthSize: Int) {
        var hasRefresh = false
        var hasPoint = false
        let kept = LengthPrefixedNALUnits.read(payload, lengthSize: lengthSize) { header, index, length in
            switch header & 0x1F {
            case 5: hasRefresh = true
            case 6 where !hasPoint: hasPoint = Self.isRecoveryPoint(payload.getSlice(at: index, length: length))
            default: break
            }
        }
        guard let kept else { return nil }
        self.payload = kept
        hasInstantaneousDecoderRefresh = hasRefresh
        hasRecoveryPoint = hasPoint
    }

    /// Whether supplemental enhancement information (§7.3.2.3.1) holds a message of payload type 6.
    private static func isRecoveryPoint(_ information: ByteBuffer?) -> Bool {
        guard let information else { return false }
        return information.withUnsafeReadableBytes { bytes in
            var messages = SupplementalEnhancementInformation(bytes)
            while let message = messages.next() {
                if message.type == 6 { return true }
                guard messages.skip(message.size) else { return false }
            }
            return false
        }
    }
}
