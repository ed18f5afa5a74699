/// How a person wants to see pages: bright, dark, or as their system has it.
public enum Theme: String, CaseIterable, Sendable {
    /// As the browser's `prefers-color-scheme` says.
    case system
    /// Always light.
    case light
    /// Always dark.
    case dark

    /// The cookie that keeps the choice.
    public static let cookieName = "theme"

    /// The choice a cookie or a form gives; anything else means ``system``.
    public init(choice: String?) {
        self = choice.flatMap(Theme.init(rawValue:)) ?? .system
    }

    /// What a person reads.
    var label: String {
        switch self {
        case .system: "As the system"
        case .light: "Light"
        case .dark: "Dark"
        }
    }

    /// The `Set-Cookie` value that keeps the choice for a year, or forgets it.
    ///
    /// - Parameter isSecure: whether the site is reached over TLS.
    /// - Returns: the value.
    public func cookie(isSecure: Bool) -> String {
        let age = self == .system ? 0 : 31_536_000
        return "\(Self.cookieName)=\(rawValue); Path=/; Max-Age=\(age); HttpOnly; SameSite=Lax"
            + (isSecure ? "; Secure" : "")
    }
}
