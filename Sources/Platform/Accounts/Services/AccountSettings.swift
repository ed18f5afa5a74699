internal import Cryptography
public import Kernel

/// What accounts are run with.
public struct AccountSettings: Sendable {
    /// A scope that API tokens can have, with a sentence for who chooses.
    public struct OfferedScope: Sendable, Hashable {
        /// The scope.
        public let scope: Scope
        /// What it allows, for people.
        public let summary: String

        /// A scope to choose.
        public init(_ scope: Scope, _ summary: String) {
            self.scope = scope
            self.summary = summary
        }
    }

    /// What the platform is called in mails and in authenticator apps.
    public var siteName = "Lyceum"
    /// The site's own origin, as `https://video.example.org`, without a slash at the end: what links in mails begin with.
    public var origin: String
    /// The server's secret, at least 32 bytes, the same on all servers of one site: secrets at rest are sealed with it.
    public var secret: [UInt8]
    /// How long sessions live.
    public var sessions = SessionRules()
    /// How wrong passwords slow the next ones down.
    public var throttle = SignInThrottle()
    /// The scopes that API tokens can have: those of all modules.
    public var scopes: [OfferedScope] = [
        OfferedScope("account:read", "Read your profile and your lists"),
        OfferedScope("account:write", "Change your profile"),
        OfferedScope("admin:read", "Read what administrators read, if you are one"),
        OfferedScope("admin:write", "Do what administrators do, if you are one"),
    ]

    /// The settings with their defaults.
    ///
    /// - Parameters:
    ///   - origin: the site's own origin.
    ///   - secret: at least 32 bytes.
    public init(origin: String, secret: [UInt8]) {
        precondition(secret.count >= 32, "the secret is too short to seal with")
        self.origin = origin
        self.secret = secret
    }

    /// The key that secrets of authenticator apps are sealed with: one purpose, one key (NIST SP 800-108).
    var sealingKey: [UInt8] {
        HMACSHA256.authenticationCode(for: Array("lyceum accounts totp v1".utf8), key: secret)
    }
}
