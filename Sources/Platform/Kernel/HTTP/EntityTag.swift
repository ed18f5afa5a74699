internal import Cryptography
internal import HTTPTypes

/// The version of a representation: a strong entity tag (RFC 9110 §8.8.3).
public struct EntityTag: Sendable, Hashable {
    /// The tag with its quotes, as it stands in ETag.
    public let text: String

    /// The tag of a row with a version number.
    public init(version: Int) { text = "\"v\(version)\"" }

    /// The tag of these bytes.
    public init(of bytes: [UInt8]) { text = "\"\(Hexadecimal.text(SHA256.digest(of: bytes).prefix(16)))\"" }
}

/// The value of If-Match or If-None-Match (RFC 9110 §13.1).
public struct EntityTagCondition: Sendable, Hashable {
    private let isAny: Bool
    private let strong: Set<String>
    private let weak: Set<String>

    /// Reads the value of the field; `nil` when it is not of the form of RFC 9110 §13.1.1.
    init?(_ value: String) {
        var strong: Set<String> = []
        var weak: Set<String> = []
        var rest = Substring(value).utf8
        isAny = value == "*"
        while !isAny {
            rest = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: ",") }
            guard let first = rest.first else { break }
            let isWeak = first == UInt8(ascii: "W") && rest.dropFirst().first == UInt8(ascii: "/")
            if isWeak { rest = rest.dropFirst(2) }
            guard rest.first == UInt8(ascii: "\""),
                let end = rest.dropFirst().firstIndex(of: UInt8(ascii: "\""))
            else { return nil }
            let tag = String(Substring(rest[...end]))
            if isWeak { weak.insert(tag) } else { strong.insert(tag) }
            rest = rest[rest.index(after: end)...]
        }
        guard isAny || !strong.isEmpty || !weak.isEmpty else { return nil }
        self.strong = strong
        self.weak = weak
    }

    /// Whether it names this version, as If-Match compares: strongly, so weak tags never do.
    public func matches(_ tag: EntityTag) -> Bool { isAny || strong.contains(tag.text) }

    /// Whether it names this tag of an answer, as If-None-Match compares: weakly.
    func matchesWeakly(_ tag: String) -> Bool { isAny || strong.contains(tag) || weak.contains(tag) }
}

extension PlatformContext {
    /// Refuses a change that was made for another version than the one there is.
    ///
    /// - Throws: ``Problem`` 412 when If-Match names other versions.
    public func requireMatch(_ current: EntityTag) throws {
        guard let ifMatch, !ifMatch.matches(current) else { return }
        throw Problem(
            .preconditionFailed,
            code: "version_mismatch",
            detail: "This has been changed in the meantime: read it again.",
            headers: [.eTag: current.text]
        )
    }
}
