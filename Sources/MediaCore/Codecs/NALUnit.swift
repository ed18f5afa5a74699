/// What H.264 and HEVC have in common in the way their NAL units are written.
public enum NALUnit {
    /// A NAL unit without its emulation prevention bytes (ISO/IEC 14496-10 §7.3.1, ISO/IEC 23008-2 §7.3.1.1).
    public static func rawByteSequencePayload(of nalUnit: some Sequence<UInt8>) -> [UInt8] {
        var payload: [UInt8] = []
        var zeros = 0
        for byte in nalUnit {
            if zeros >= 2, byte == 3 {
                zeros = 0
                continue
            }
            zeros = byte == 0 ? zeros + 1 : 0
            payload.append(byte)
        }
        return payload
    }
}

extension UInt8 {
    /// Two digits, as codec strings have them (RFC 6381 §3.3).
    var twoHexadecimalDigits: String {
        let digits = String(self, radix: 16, uppercase: false)
        return digits.count == 1 ? "0" + digits : digits
    }

    /// Two digits at least, as codec strings have them (AV1-ISOBMFF §5, VP-ISOBMFF "Codecs Parameter String").
    var twoDecimalDigits: String { self < 10 ? "0\(self)" : "\(self)" }
}
