/// The encoding of bodies that every server passes on unchanged: ASCII, in lines of at most 76 characters (RFC 2045 §6.7).
enum QuotedPrintable {
    /// Without the line's end, and with the `=` of a soft break.
    private static let longestLine = 76
    private static let digits = Array("0123456789ABCDEF".utf8)

    /// Encodes a text; each of its line ends, CR, LF or both, becomes CRLF, and the last line gets one too.
    ///
    /// - Complexity: O(n).
    static func encode(_ text: String) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(text.utf8.count + text.utf8.count / 8 + 2)
        var line: [UInt8] = []
        var previous: UInt8 = 0
        for byte in text.utf8 {
            switch byte {
            case 0x0A where previous == 0x0D: break
            case 0x0A, 0x0D:
                append(line, to: &output)
                line.removeAll(keepingCapacity: true)
            default: line.append(byte)
            }
            previous = byte
        }
        if !line.isEmpty || output.isEmpty { append(line, to: &output) }
        return output
    }

    private static func append(_ line: [UInt8], to output: inout [UInt8]) {
        var width = 0
        for (index, byte) in line.enumerated() {
            let isLast = index == line.count - 1
            // Rule 3: white space at the end of a line is taken away on the way.
            let isLiteral = (0x21...0x7E).contains(byte) && byte != 0x3D || (byte == 0x20 || byte == 0x09) && !isLast
            let size = isLiteral ? 1 : 3
            if width + size > (isLast ? longestLine : longestLine - 1) {
                output += [0x3D, 0x0D, 0x0A]
                width = 0
            }
            if isLiteral {
                output.append(byte)
            } else {
                output += [0x3D, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
            width += size
        }
        output += [0x0D, 0x0A]
    }
}
