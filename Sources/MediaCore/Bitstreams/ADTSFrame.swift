/// The header that AAC frames have in transport streams and in files of AAC alone (ISO/IEC 14496-3 §1.A.2).
public struct ADTSFrame: Sendable {
    /// The bytes in front of the raw access unit: 7, or 9 with a checksum.
    public let headerLength: Int
    /// The bytes of header and access unit.
    public let length: Int
    /// The AudioSpecificConfig of what follows, two bytes.
    public let configuration: [UInt8]

    /// The longest header.
    public static let maximumHeaderLength = 9

    /// Reads a header; `nil` where there is none, or one of more than one access unit.
    public init?(_ bytes: some Sequence<UInt8>) {
        let head = Array(bytes.prefix(7))
        // Syncword, layer 0.
        guard head.count == 7, head[0] == 0xFF, head[1] & 0xF6 == 0xF0 else { return nil }
        headerLength = head[1] & 1 == 1 ? 7 : 9
        length = Int(head[3] & 3) << 11 | Int(head[4]) << 3 | Int(head[5]) >> 5
        guard length > headerLength, head[6] & 3 == 0 else { return nil }
        let objectType = (head[2] >> 6) + 1
        let frequencyIndex = head[2] >> 2 & 0xF
        let channels = (head[2] & 1) << 2 | head[3] >> 6
        // 0: the frame itself says how many there are, where no container could.
        guard channels > 0 else { return nil }
        configuration = [objectType << 3 | frequencyIndex >> 1, (frequencyIndex & 1) << 7 | channels << 3]
    }
}
