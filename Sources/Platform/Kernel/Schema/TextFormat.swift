/// A form that text must have: what OpenAPI calls it, its pattern there, and the function that decides here.
///
/// Pattern and function say the same; the function is not a regular expression, which could be made slow by what is sent.
public struct TextFormat: Sendable {
    /// The `format` of JSON Schema, where there is one.
    public let name: String?
    /// A regular expression of ECMA-262 that says the same as ``matches``.
    public let pattern: String?
    /// How many characters.
    public let length: ClosedRange<Int>
    /// The end of a sentence for people, as "must be an e-mail address".
    public let detail: String
    /// A text of this form, for the examples of the description.
    public let example: String
    let matches: @Sendable (String) -> Bool

    /// A form of one's own.
    ///
    /// - Parameters:
    ///   - name: the `format` of JSON Schema.
    ///   - pattern: a regular expression that says the same as `matches`.
    ///   - length: how many characters; checked before `matches`.
    ///   - detail: the end of a sentence, as "must be a colour".
    ///   - example: a text of this form.
    ///   - matches: decides.
    public init(
        name: String? = nil,
        pattern: String?,
        length: ClosedRange<Int>,
        detail: String,
        example: String,
        matches: @escaping @Sendable (String) -> Bool
    ) {
        self.name = name
        self.pattern = pattern
        self.length = length
        self.detail = detail
        self.example = example
        self.matches = matches
    }

    /// An address for mail: a dot-atom (RFC 5322 §3.2.3) of at most 64 characters at a host name of two labels or more.
    public static let email = TextFormat(
        name: "email",
        pattern:
            #"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"#,
        length: 6...254,
        detail: "must be an e-mail address, as ada@example.org",
        example: "ada@example.org",
        matches: TextRules.isEmail
    )

    /// What an account is called in addresses (`^[a-z0-9_]{3,30}$`).
    public static let handle = TextFormat(
        pattern: "^[a-z0-9_]{3,30}$",
        length: 3...30,
        detail: "must have 3 to 30 of the characters a-z, 0-9 and _",
        example: "ada",
        matches: { $0.utf8.allSatisfy { TextRules.isLowerOrDigit($0) || $0 == UInt8(ascii: "_") } }
    )

    /// The name of a thing in an address: words of a-z and 0-9 with hyphens between.
    public static let slug = TextFormat(
        pattern: "^[a-z0-9]+(-[a-z0-9]+)*$",
        length: 1...80,
        detail: "must consist of a-z and 0-9, with hyphens between",
        example: "first-steps",
        matches: {
            $0.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false).allSatisfy { part in
                !part.isEmpty && part.allSatisfy(TextRules.isLowerOrDigit)
            }
        }
    )

    /// An absolute http or https address without credentials.
    public static let webAddress = TextFormat(
        name: "uri",
        pattern: #"^https?://[A-Za-z0-9.\-:\[\]]+(/[!-~]*)?$"#,
        length: 10...2000,
        detail: "must be an address that begins with https:// or http://",
        example: "https://example.org/",
        matches: TextRules.isWebAddress
    )

    /// A moment of RFC 3339.
    public static let dateTime = TextFormat(
        name: "date-time",
        pattern: nil,
        length: 20...40,
        detail: "must be a moment, as 2026-01-31T12:00:00Z",
        example: "2026-01-31T12:00:00Z",
        matches: { Timestamp.date($0) != nil }
    )

    /// The public id of an object: a prefix, as `ses_`, and 22 characters of a-z, A-Z and 0-9.
    public static func publicID(_ prefix: String) -> TextFormat {
        let count = prefix.utf8.count + 22
        return TextFormat(
            pattern: "^\(prefix)[A-Za-z0-9]{22}$",
            length: count...count,
            detail: "must begin with \(prefix) and have 22 characters more",
            example: prefix + "0Ab1Cd2Ef3Gh4Ij5Kl6Mn7",
            matches: {
                $0.hasPrefix(prefix) && $0.utf8.dropFirst(prefix.utf8.count).allSatisfy(TextRules.isAlphanumeric)
            }
        )
    }

    /// So many digits, as of a one-time code.
    public static func digits(_ count: Int) -> TextFormat {
        TextFormat(
            pattern: "^[0-9]{\(count)}$",
            length: count...count,
            detail: "must have \(count) digits",
            example: String("123456789012".prefix(count)),
            matches: { $0.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } }
        )
    }
}

/// The functions behind the forms.
enum TextRules {
    static func isLowerOrDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isLowerOrDigit(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }

    private static let atomMarks = Set("!#$%&'*+/=?^_`{|}~-".utf8)

    static func isEmail(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].count <= 64 else { return false }
        let isLocal = parts[0].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            .allSatisfy { atom in !atom.isEmpty && atom.allSatisfy { isAlphanumeric($0) || atomMarks.contains($0) } }
        let labels = parts[1].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return isLocal && labels.count >= 2 && labels.allSatisfy(isLabel)
    }

    /// RFC 1123 §2.1.
    private static func isLabel(_ label: Substring.UTF8View) -> Bool {
        (1...63).contains(label.count) && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
            && label.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    }

    static func isWebAddress(_ text: String) -> Bool {
        guard let scheme = ["https://", "http://"].first(where: text.hasPrefix) else { return false }
        let rest = text.utf8.dropFirst(scheme.utf8.count)
        let authority = rest.prefix { $0 != UInt8(ascii: "/") }
        let marks = Set(".-:[]".utf8)
        return !authority.isEmpty && authority.allSatisfy { isAlphanumeric($0) || marks.contains($0) }
            && rest.allSatisfy { (0x21...0x7E).contains($0) }
    }
}
