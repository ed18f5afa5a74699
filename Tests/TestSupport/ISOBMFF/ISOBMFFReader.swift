/// Reads fragmented MP4 as a hostile player would: whatever ISO/IEC 14496-12 does not allow is an error.
///
/// Written from the standards, independently of any writer in Sources/, so that a mistake made there is not repeated.
public enum ISOBMFFReader {
    /// Reads an initialization segment.
    ///
    /// - Parameter bytes: the whole file.
    /// - Returns: its brands and tracks.
    /// - Throws: ``ISOBMFFError`` when a box leaves its parent or does not fill it, a mandatory box is missing or double,
    ///   a reserved field is not what it must be, or a box is there that has no place in an initialization segment.
    public static func readInitializationSegment(_ bytes: [UInt8]) throws(ISOBMFFError) -> InitializationSegment {
        try InitializationSegment(bytes)
    }

    /// Reads a media segment.
    ///
    /// - Parameters:
    ///   - bytes: the whole file.
    ///   - initialization: the initialization segment that applies to it.
    /// - Returns: its fragments with every sample's fields worked out.
    /// - Throws: ``ISOBMFFError`` as for an initialization segment, and when a sample lies outside of `mdat`, two samples
    ///   share bytes, or a track does not go on where its last fragment of this file ended.
    public static func readMediaSegment(
        _ bytes: [UInt8],
        initialization: InitializationSegment
    ) throws(ISOBMFFError) -> MediaFragments {
        try MediaFragments(bytes, initialization: initialization)
    }

    /// The types of the NAL units of an H.264 sample, in order.
    ///
    /// - Parameters:
    ///   - sample: a sample of an `avc1` track.
    ///   - bytes: the file that it lies in.
    ///   - lengthSize: the size of the length before every NAL unit.
    /// - Returns: nal_unit_type of each.
    /// - Throws: ``ISOBMFFError`` when the lengths do not fill the sample exactly or a NAL unit is empty or forbidden.
    public static func nalUnitTypes(
        of sample: MediaFragments.Sample,
        in bytes: [UInt8],
        lengthSize: Int
    ) throws(ISOBMFFError) -> [UInt8] {
        var cursor = BoxCursor(bytes, sample.byteRange, context: "sample")
        var types: [UInt8] = []
        while cursor.remaining > 0 {
            let length = Int(try cursor.unsigned(lengthSize))
            let unit = try cursor.bytes(length)
            guard let head = unit.first, head & 0x80 == 0 else { throw cursor.fail("empty or forbidden NAL unit") }
            types.append(head & 0x1F)
        }
        return types
    }
}
