/// The value of Content-Disposition (RFC 6266) by which clients save what they get under a name.
enum ContentDisposition {
    /// Names are no longer than this, in bytes: file systems have 255 with the extension.
    private static let longestName = 120
    /// What no name has: separators of some system's paths, and what its shell or its file system does not take.
    private static let forbidden = Set("/\\:*?\"<>|".unicodeScalars)

    /// The value for a file to be saved.
    ///
    /// - Parameters:
    ///   - title: what people call it; any text.
    ///   - fallback: the name where nothing of the title is left.
    ///   - fileExtension: the extension, with its dot.
    /// - Returns: the value: with `filename` in ASCII, and `filename*` where that says more (§4.3).
    static func attachment(titled title: String, or fallback: String, _ fileExtension: String) -> String {
        let name = safeName(title)
        let ascii = safeName(String(name.unicodeScalars.map { $0.isASCII ? Character($0) : "_" }))
        let isTelling = ascii.contains { $0 != "_" && $0 != " " }
        let value = "attachment; filename=\"\(isTelling ? ascii : fallback)\(fileExtension)\""
        guard !name.isEmpty, name != ascii else { return value }
        return "\(value); filename*=UTF-8''\(encoded(name + fileExtension))"
    }

    /// A name without what could leave its folder, hide it, or end a header field.
    private static func safeName(_ title: String) -> String {
        var name = ""
        for scalar in title.unicodeScalars where name.utf8.count < longestName {
            let isVisible =
                !scalar.properties.isNoncharacterCodePoint && !invisible.contains(scalar.properties.generalCategory)
            if scalar.properties.isWhitespace {
                if !name.isEmpty, name.last != " " { name += " " }
            } else if forbidden.contains(scalar) {
                name += "-"
            } else if isVisible {
                name.unicodeScalars.append(scalar)
            }
        }
        // Leading dots hide a file; trailing dots and spaces are lost on Windows.
        return String(name.drop { $0 == "." || $0 == " " }.trimmingEnd { $0 == "." || $0 == " " })
    }

    /// Control characters, and those that turn the order of letters round, so that `4pm.exe` reads `exe.mp4`.
    private static let invisible: Set<Unicode.GeneralCategory> = [
        .control, .format, .surrogate, .unassigned, .privateUse, .lineSeparator, .paragraphSeparator,
    ]

    /// A value of RFC 8187 §3.2.1, of which only letters, digits and a few signs stay as they are.
    private static func encoded(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                encoded += digits.utf8.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return encoded
    }
}

extension Substring {
    fileprivate func trimmingEnd(_ isTrimmed: (Character) -> Bool) -> Substring {
        var rest = self
        while let last = rest.last, isTrimmed(last) { rest.removeLast() }
        return rest
    }
}
