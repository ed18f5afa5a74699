/// What an image says of itself in its first bytes: its format, by its magic, and its size in pixels (ASVS 5.2.2, 5.2.6).
///
/// Only this is read: nothing is decoded, so a small file that unfolds to gigabytes is refused before anybody opens it.
struct ImageHeader: Sendable, Equatable {
    /// The formats an avatar may have.
    ///
    /// SVG is a document with scripts in it and is none of them (ASVS 1.3.4).
    enum Format: String, Sendable {
        case png = "image/png"
        case jpeg = "image/jpeg"
        case webp = "image/webp"

        /// The ending of its file's name.
        var fileExtension: String {
            switch self {
            case .png: "png"
            case .jpeg: "jpg"
            case .webp: "webp"
            }
        }
    }

    let format: Format
    let width: Int
    let height: Int

    /// Reads the header.
    ///
    /// - Returns: `nil` when the bytes begin as none of the formats, or end before they say a size above 0.
    init?(_ bytes: [UInt8]) {
        var reader = ByteReader(bytes)
        let header: (Format, Int, Int)?
        if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            header = Self.png(&reader)
        } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
            header = Self.jpeg(&reader)
        } else if bytes.starts(with: "RIFF".utf8), bytes.dropFirst(8).starts(with: "WEBP".utf8) {
            header = Self.webp(&reader)
        } else {
            header = nil
        }
        guard let (format, width, height) = header, width > 0, height > 0 else { return nil }
        self.format = format
        self.width = width
        self.height = height
    }

    /// PNG (ISO/IEC 15948 §11.2.2): the first chunk is IHDR, with width and height of 32 bits.
    private static func png(_ reader: inout ByteReader) -> (Format, Int, Int)? {
        reader.skip(8)
        guard reader.bigEndian(4) == 13, reader.take(4) == Array("IHDR".utf8), let width = reader.bigEndian(4),
            let height = reader.bigEndian(4)
        else { return nil }
        return (.png, width, height)
    }

    /// JPEG (ITU-T T.81 §B.2.2): the first SOFn marker has height and width of 16 bits.
    private static func jpeg(_ reader: inout ByteReader) -> (Format, Int, Int)? {
        reader.skip(2)
        while let first = reader.bigEndian(1) {
            guard first == 0xFF, var marker = reader.bigEndian(1) else { return nil }
            while marker == 0xFF {  // Fill bytes, §B.1.1.2.
                guard let next = reader.bigEndian(1) else { return nil }
                marker = next
            }
            switch marker {
            case 0xC0...0xC3, 0xC5...0xC7, 0xC9...0xCB, 0xCD...0xCF:
                reader.skip(3)
                guard let height = reader.bigEndian(2), let width = reader.bigEndian(2) else { return nil }
                return (.jpeg, width, height)
            case 0x01, 0xD0...0xD7: continue
            case 0xD8, 0xD9, 0xDA: return nil
            default:
                guard let length = reader.bigEndian(2), length >= 2 else { return nil }
                reader.skip(length - 2)
            }
        }
        return nil
    }

    /// WebP (RFC 9649 §2.5 to §2.7): a first chunk of `VP8 `, `VP8L` or `VP8X`.
    private static func webp(_ reader: inout ByteReader) -> (Format, Int, Int)? {
        reader.skip(12)
        guard let kind = reader.take(4) else { return nil }
        reader.skip(4)
        switch String(decoding: kind, as: UTF8.self) {
        case "VP8 ":  // RFC 6386 §9.1: a key frame's start code, then 14 bits each.
            reader.skip(3)
            guard reader.take(3) == [0x9D, 0x01, 0x2A], let width = reader.littleEndian(2),
                let height = reader.littleEndian(2)
            else { return nil }
            return (.webp, width & 0x3FFF, height & 0x3FFF)
        case "VP8L":  // RFC 9649 §3.4: a signature, then 14 bits each, less one.
            guard reader.bigEndian(1) == 0x2F, let bits = reader.littleEndian(4) else { return nil }
            return (.webp, bits & 0x3FFF + 1, bits >> 14 & 0x3FFF + 1)
        case "VP8X":  // RFC 9649 §2.7: 24 bits each, less one.
            reader.skip(4)
            guard let width = reader.littleEndian(3), let height = reader.littleEndian(3) else { return nil }
            return (.webp, width + 1, height + 1)
        default: return nil
        }
    }
}

/// Numbers out of bytes, none beyond their end.
private struct ByteReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func skip(_ count: Int) {
        position = min(bytes.count, position + count)
    }

    mutating func take(_ count: Int) -> [UInt8]? {
        guard bytes.count - position >= count else { return nil }
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    mutating func bigEndian(_ count: Int) -> Int? {
        take(count)?.reduce(0) { $0 << 8 | Int($1) }
    }

    mutating func littleEndian(_ count: Int) -> Int? {
        take(count)?.reversed().reduce(0) { $0 << 8 | Int($1) }
    }
}
