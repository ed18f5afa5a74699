internal import MediaCore
internal import NIOCore

/// Closed captions that an encoder sends within its pictures: found here, carried to viewers as they are, and announced.
///
/// They lie in supplemental enhancement information (ATSC A/53 Part 4 §6.2.3, as ISO/IEC 14496-10 §D.1.6 and ISO/IEC 23008-2
/// §D.2.6 carry it): CEA-608 in its two fields, CEA-708 beside it.
struct ClosedCaptions {
    /// What players can be told that is there, in the words of INSTREAM-ID (RFC 8216 §4.3.4.1).
    enum Channel: String, CaseIterable, Comparable {
        /// CEA-608, the first field.
        case first = "CC1"
        /// CEA-608, the second field.
        case second = "CC3"
        /// CEA-708.
        case service = "SERVICE1"

        static func < (left: Channel, right: Channel) -> Bool { left.rawValue < right.rawValue }
    }

    private var found: Set<Channel> = []

    /// What to announce.
    ///
    /// CEA-708 that comes with CEA-608 says the same again, and players would offer both.
    var channels: [Channel] {
        let fields = found.subtracting([.service])
        return (fields.isEmpty ? found : fields).sorted()
    }

    /// Looks into a picture.
    mutating func look(into unit: AccessUnit, codedAs configuration: CodecConfiguration) {
        switch configuration {
        case .avc(let record):
            look(into: unit.payload, lengthSize: record.nalUnitLengthSize, headerSize: 1) { header in
                header & 0x1F == 6 ? .information : (1...5).contains(header & 0x1F) ? .slice : .other
            }
        case .hevc(let record):
            look(into: unit.payload, lengthSize: record.nalUnitLengthSize, headerSize: 2) { header in
                header >> 1 & 0x3F == 39 ? .information : header >> 1 & 0x3F < 32 ? .slice : .other
            }
        default: break
        }
    }

    private enum Kind {
        case information
        case slice
        case other
    }

    /// Captions stand in front of the first slice of their picture, so the search ends there.
    private mutating func look(
        into payload: ByteBuffer,
        lengthSize: Int,
        headerSize: Int,
        _ kind: (UInt8) -> Kind
    ) {
        payload.withUnsafeReadableBytes { bytes in
            var rest = bytes[...]
            while rest.count > lengthSize {
                let length = rest.prefix(lengthSize).reduce(0) { $0 << 8 | Int($1) }
                rest = rest.dropFirst(lengthSize)
                guard length >= headerSize, length <= rest.count, let header = rest.first else { return }
                switch kind(header) {
                case .slice: return
                case .other: break
                case .information: read(UnsafeRawBufferPointer(rebasing: rest.prefix(length).dropFirst(headerSize)))
                }
                rest = rest.dropFirst(length)
            }
        }
    }

    private mutating func read(_ information: UnsafeRawBufferPointer) {
        var messages = SupplementalEnhancementInformation(information)
        while let message = messages.next() {
            // 4: user data registered by ITU-T Rec. T.35.
            if message.type == 4 {
                guard let data = messages.read(message.size) else { return }
                readRegistered(data[...])
            } else if !messages.skip(message.size) {
                return
            }
        }
    }

    /// United States (0xB5), ATSC (0x0031), "GA94", cc_data (3): A/53 Part 4 §6.2.3.
    private static let captionData: [UInt8] = [0xB5, 0x00, 0x31, 0x47, 0x41, 0x39, 0x34, 0x03]

    private mutating func readRegistered(_ data: ArraySlice<UInt8>) {
        guard data.starts(with: Self.captionData) else { return }
        var rest = data.dropFirst(Self.captionData.count)
        guard let flags = rest.popFirst(), flags & 0x40 != 0, rest.popFirst() != nil else { return }
        for _ in 0..<(flags & 0x1F) {
            guard let marks = rest.popFirst(), let first = rest.popFirst(), let second = rest.popFirst() else { return }
            guard marks & 0x04 != 0 else { continue }
            // Where nothing is to be said, a field has zeros beneath its parity bits.
            let isEmpty = first & 0x7F == 0 && second & 0x7F == 0
            switch marks & 0x03 {
            case 0: if !isEmpty { found.insert(.first) }
            case 1: if !isEmpty { found.insert(.second) }
            default: found.insert(.service)
            }
        }
    }
}
