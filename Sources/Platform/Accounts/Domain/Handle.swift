/// The name an account is known by in addresses: `^[a-z0-9_]{3,30}$`, and none that the platform needs itself.
public struct Handle: Sendable, Hashable, CustomStringConvertible {
    /// Why a text is no handle.
    public enum Refusal: Error, Equatable {
        /// It has other characters or another length than `^[a-z0-9_]{3,30}$`.
        case shape
        /// The platform, or somebody who would pass for it, is called so.
        case reserved
    }

    /// The rule as a regular expression, for schemas and for the `pattern` of form fields.
    public static let pattern = "^[a-z0-9_]{3,30}$"

    /// The handle in small letters.
    public let text: String

    /// The handle.
    public var description: String { text }

    /// Reads a handle; capital letters are made small, as nobody means two people by them.
    ///
    /// - Throws: a ``Refusal``.
    public init(_ text: some StringProtocol) throws(Refusal) {
        let bytes = text.utf8.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }
        let isShaped =
            (3...30).contains(bytes.count)
            && bytes.allSatisfy {
                (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || $0 == UInt8(ascii: "_")
            }
        guard isShaped else { throw .shape }
        let folded = String(decoding: bytes, as: UTF8.self)
        // `admin_`, `__root` and `support_1` pass for the platform as well as the bare words do.
        let core = folded.drop { $0 == "_" || $0.isNumber }.reversed().drop { $0 == "_" || $0.isNumber }.reversed()
        guard !Self.reserved.contains(folded), !Self.reserved.contains(String(core)) else { throw .reserved }
        self.text = folded
    }

    /// Names of roles, of paths and of mailboxes that RFC 2142 gives a meaning.
    static let reserved: Set<String> = [
        "lyceum", "admin", "administrator", "administration", "moderator", "moderation", "mod", "staff", "team",
        "system",
        "root", "superuser", "sysadmin", "operator", "owner", "official", "support", "help", "helpdesk", "security",
        "abuse", "postmaster", "hostmaster", "webmaster", "noreply", "no_reply", "mailer_daemon", "info", "contact",
        "sales", "marketing", "billing", "payment", "payments", "noc", "usenet", "news", "www", "ftp", "mail", "api",
        "account", "accounts", "settings", "profile", "user", "users", "member", "members", "me", "self", "you",
        "everyone", "anyone", "nobody", "all", "here", "channel", "channels", "instructor", "seller", "visitor",
        "guest",
        "anonymous", "deleted", "unknown", "null", "undefined", "none", "true", "false", "new", "edit", "delete",
        "signin", "sign_in", "signup", "sign_up", "signout", "sign_out", "login", "logout", "register", "reset",
        "confirm", "password", "sessions", "session", "tokens", "token", "live", "video", "videos", "watch", "studio",
        "course", "courses", "lesson", "lessons", "shop", "cart", "checkout", "orders", "order", "products", "product",
        "post", "posts", "feed", "home", "search", "explore", "notifications", "messages", "about", "terms", "privacy",
        "legal", "imprint", "status", "health", "metrics", "docs", "static", "assets", "public", "private", "internal",
        "avatar", "avatars", "webhook", "webhooks", "events", "jobs", "audit", "flags", "robots", "favicon", "test",
    ]
}
