internal import Foundation

/// Text of people in the header of a mail, where only ASCII and no line's end may stand.
enum HeaderText {
    /// RFC 2047 §2: a line with an encoded word has at most 76 characters; the field's name takes some of the first.
    private static let bytesPerWord = 39
    /// What is left of the 78 characters of RFC 5322 §2.1.1.
    private static let longestPlain = 66

    /// A text as `unstructured` (RFC 5322 §2.2.1): as it is when it can be, as encoded words otherwise.
    ///
    /// Control characters become spaces first, so that no line's end is in it in either form.
    static func unstructured(_ text: String) -> String {
        let clean = cleaned(text)
        return isPlain(clean) ? clean : encodedWords(clean)
    }

    /// A text as `phrase` (RFC 5322 §3.2.5), such as the name before an address: quoted, or as encoded words.
    static func phrase(_ text: String) -> String {
        let clean = cleaned(text)
        guard isPlain(clean) else { return encodedWords(clean) }
        return "\"" + clean.replacing("\\", with: #"\\"#).replacing("\"", with: #"\""#) + "\""
    }

    private static func cleaned(_ text: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let isBreak = scalar.properties.generalCategory == .control || scalar == "\u{2028}" || scalar == "\u{2029}"
            scalars.append(isBreak ? " " : scalar)
        }
        return String(scalars).trimmingCharacters(in: .whitespaces)
    }

    private static func isPlain(_ text: String) -> Bool {
        text.utf8.allSatisfy { (0x20...0x7E).contains($0) } && text.utf8.count <= longestPlain && !text.contains("=?")
    }

    /// RFC 2047 §4.1, several when it is long; no character is torn (§5).
    private static func encodedWords(_ text: String) -> String {
        var words: [String] = []
        var word: [UInt8] = []
        for scalar in text.unicodeScalars {
            let bytes = Array(String(scalar).utf8)
            if word.count + bytes.count > bytesPerWord {
                words.append(encodedWord(word))
                word = []
            }
            word += bytes
        }
        words.append(encodedWord(word))
        return words.joined(separator: "\r\n ")
    }

    private static func encodedWord(_ bytes: [UInt8]) -> String { "=?UTF-8?B?\(Data(bytes).base64EncodedString())?=" }
}
