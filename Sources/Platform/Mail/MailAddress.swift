/// A mailbox that mail is sent to or from: `local-part@domain` (RFC 5321 §4.1.2), of ASCII, without quotes.
///
/// Quoted local parts and those beyond ASCII (RFC 6531) are refused: hardly a server takes them, and every character here is
/// known to mean nothing in a command or a header.
struct MailAddress: Hashable, Sendable, CustomStringConvertible {
    /// RFC 5321 §4.5.3.1.1.
    private static let longestLocalPart = 64
    /// What fits between the brackets of a path of 256 bytes (RFC 5321 §4.5.3.1.3).
    private static let longest = 254
    /// RFC 1035 §2.3.4.
    private static let longestLabel = 63
    /// `atext` of RFC 5322 §3.2.3, beside letters and digits.
    private static let marks = Set("!#$%&'*+-/=?^_`{|}~".unicodeScalars)

    /// What stands before the @.
    let localPart: String
    /// What stands behind it.
    let domain: String

    /// `local-part@domain`.
    var description: String { "\(localPart)@\(domain)" }

    /// Reads an address; `nil` for whatever is none.
    init?(_ text: String) {
        guard text.utf8.count <= Self.longest, let at = text.lastIndex(of: "@") else { return nil }
        let local = text[..<at]
        let domain = text[text.index(after: at)...]
        guard local.utf8.count <= Self.longestLocalPart, Self.isDotAtom(local), Self.isDomain(domain) else {
            return nil
        }
        localPart = String(local)
        self.domain = String(domain)
    }

    private static func isDotAtom(_ text: Substring) -> Bool {
        text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { atom in
            !atom.isEmpty && atom.unicodeScalars.allSatisfy { isAlphanumeric($0) || marks.contains($0) }
        }
    }

    private static func isDomain(_ text: Substring) -> Bool {
        text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            !label.isEmpty && label.utf8.count <= longestLabel && !label.hasPrefix("-") && !label.hasSuffix("-")
                && label.unicodeScalars.allSatisfy { isAlphanumeric($0) || $0 == "-" }
        }
    }

    private static func isAlphanumeric(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
    }
}

/// Whom mail is from: an address, and perhaps a name, as `Lyceum <mail@example.org>` or `mail@example.org`.
public struct MailSender: Hashable, Sendable {
    /// The longest name that is taken.
    private static let longestName = 200

    /// What people read; empty for none.
    let name: String
    /// Where answers and complaints go.
    let address: MailAddress

    /// Reads a sender; `nil` when there is no usable address in it.
    ///
    /// - Parameter text: an address, or a name and an address in angle brackets.
    public init?(_ text: String) {
        let trimmed = text.drop(while: \.isWhitespace)
        guard trimmed.hasSuffix(">"), let open = trimmed.lastIndex(of: "<") else {
            guard let address = MailAddress(String(trimmed)) else { return nil }
            self.address = address
            name = ""
            return
        }
        guard let address = MailAddress(String(trimmed[trimmed.index(after: open)...].dropLast())) else { return nil }
        self.address = address
        var words = trimmed[..<open].split(whereSeparator: \.isWhitespace).joined(separator: " ")
        if words.count >= 2, words.hasPrefix("\""), words.hasSuffix("\"") {
            words = String(words.dropFirst().dropLast())
        }
        guard words.utf8.count <= Self.longestName else { return nil }
        name = words
    }
}
