internal import Cryptography
internal import Synchronization

/// The synchroniser token of one request: what its forms must carry back.
///
/// It is made from a secret that the browser holds in a cookie: the session's own, or for visitors one made for this purpose. A
/// page elsewhere can send the cookie, but cannot read the page with the token.
final class CSRFToken: Sendable {
    /// Where the secret comes from.
    enum Origin: Sendable {
        /// The browser has it already.
        case present
        /// It is new: reading the token means that the answer must set its cookie.
        case new
    }

    private struct State {
        var secret: SecretToken
        var origin: Origin
        var purpose: String
        var isUsed = false
    }

    private let key: [UInt8]
    private let state: Mutex<State>

    /// The token of a visitor.
    init(visitorSecret: SecretToken, origin: Origin, key: [UInt8]) {
        self.key = key
        state = Mutex(State(secret: visitorSecret, origin: origin, purpose: "visitor"))
    }

    /// From now on the token is that of a session.
    func bind(to session: SecretToken) {
        state.withLock { $0 = State(secret: session, origin: .present, purpose: "session") }
    }

    /// The token.
    ///
    /// Reading it means that a form is being made.
    var text: String {
        let (secret, purpose) = state.withLock { state in
            state.isUsed = true
            return (state.secret, state.purpose)
        }
        return Self.text(secret, purpose, key)
    }

    /// The secret whose cookie the answer must set; `nil` when none must.
    var cookieToSet: SecretToken? {
        state.withLock { $0.isUsed && $0.origin == .new ? $0.secret : nil }
    }

    /// Whether what came back is the token.
    func matches(_ text: String) -> Bool {
        let (secret, purpose) = state.withLock { ($0.secret, $0.purpose) }
        return ConstantTime.isEqual(Array(text.utf8), Array(Self.text(secret, purpose, key).utf8))
    }

    private static func text(_ secret: SecretToken, _ purpose: String, _ key: [UInt8]) -> String {
        Base64URL.text(HMACSHA256.authenticationCode(for: Array("csrf \(purpose)\n\(secret.text)".utf8), key: key))
    }
}
