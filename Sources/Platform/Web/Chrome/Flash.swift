internal import Cryptography

/// What an action has to say, shown once at the top of the next page.
public struct Flash: Sendable, Equatable, ViewModel {
    /// How the message is meant.
    public enum Kind: String, Sendable, CaseIterable {
        /// It is done.
        case success
        /// Something to know.
        case notice
        /// Something to look at.
        case warning
    }

    /// The cookie that carries the message over a redirect.
    public static let cookieName = "flash"
    /// A cookie is text of the browser's: no more of it than a sentence or two is shown.
    private static let maximumBytes = 400

    /// How it is meant.
    public let kind: Kind
    /// What it says.
    public let text: String

    /// A message.
    public init(_ kind: Kind = .success, _ text: String) {
        self.kind = kind
        self.text = text
    }

    /// The message of a cookie's value, or `nil` when there is none or it is none of ours.
    public init?(cookieValue: String?) {
        guard let cookieValue, cookieValue.utf8.count <= 2 * Self.maximumBytes + 10 else { return nil }
        let parts = cookieValue.split(separator: ".", maxSplits: 1)
        guard parts.count == 2, let kind = Kind(rawValue: String(parts[0])),
            let bytes = Hexadecimal.bytes(parts[1]), let text = String(validating: bytes, as: UTF8.self), !text.isEmpty
        else { return nil }
        self.init(kind, text)
    }

    /// The `Set-Cookie` value that carries the message to the next page.
    ///
    /// In hexadecimal, since a cookie's value has neither spaces nor letters outside ASCII (RFC 6265 §4.1.1).
    ///
    /// - Parameter isSecure: whether the site is reached over TLS.
    /// - Returns: the value.
    public func cookie(isSecure: Bool) -> String {
        let shown = Hexadecimal.text(text.prefix(within: Self.maximumBytes).utf8)
        return "\(Self.cookieName)=\(kind.rawValue).\(shown); Path=/; Max-Age=60; HttpOnly; SameSite=Lax"
            + (isSecure ? "; Secure" : "")
    }

    /// The `Set-Cookie` value that forgets the message.
    static let clearingCookie = "\(cookieName)=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"

    /// What the template shows.
    public func view() throws(TemplateError) -> ViewNode { ViewNode(node) }

    var node: ViewGroup {
        ViewGroup(["kind": kind.rawValue, "text": text, "isWarning": kind == .warning])
    }
}

extension String {
    /// As many whole characters from the beginning as have room in this many bytes of UTF-8.
    fileprivate func prefix(within bytes: Int) -> Substring {
        var end = startIndex
        var room = bytes
        while end < endIndex {
            let next = index(after: end)
            room -= self[end..<next].utf8.count
            guard room >= 0 else { break }
            end = next
        }
        return self[..<end]
    }
}
