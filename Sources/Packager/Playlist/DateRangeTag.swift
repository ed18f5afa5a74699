internal import LiveStore

extension DateRange {
    /// How many of a segment stand in a playlist.
    static let maximumPerSegment = 8
    /// The longest text that stands in a playlist, in bytes: a cue point or a caption has some hundred.
    static let longestJSON = 512

    /// The tag's line (RFC 8216 §4.3.2.7).
    ///
    /// A quoted-string can have no quotation mark and no line break (§4.2), so the JSON text is percent-encoded: in a browser
    /// `JSON.parse(decodeURIComponent(value))` reads it.
    var tag: String {
        let data = json.map { ",X-LYCEUM-JSON=\"\(Self.percentEncoded($0))\"" } ?? ""
        let name = name.filter { $0 != "\"" && !$0.isNewline }
        return "#EXT-X-DATERANGE:ID=\"\(id)\",CLASS=\"\(name)\",START-DATE=\"\(start)\"\(data)\n"
    }

    /// RFC 3986 §2.3: all but the unreserved characters, and the few others that JSON is full of.
    private static func percentEncoded(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "~"), UInt8(ascii: ":"), UInt8(ascii: ","), UInt8(ascii: "{"), UInt8(ascii: "}"),
                UInt8(ascii: "["), UInt8(ascii: "]"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                encoded += digits.count == 1 ? "%0" + digits : "%" + digits
            }
        }
        return encoded
    }
}
