/// The cookies of the platform, exactly as ASVS 5.0 §3.3.1–3.3.4 want them.
///
/// Through TLS their names begin with `__Host-`: browsers take such a cookie only when it is Secure, for this host and all of it
/// (RFC 6265bis §4.1.3.2). Without TLS, as in development, they have neither the prefix nor Secure.
public enum SessionCookie {
    /// The name of the session's cookie.
    public static func name(isSecure: Bool) -> String { isSecure ? "__Host-sid" : "sid" }

    /// The name of the cookie that visitors' CSRF tokens belong to.
    static func visitorName(isSecure: Bool) -> String { isSecure ? "__Host-csrf" : "csrf" }

    /// The value of Set-Cookie that begins a session.
    ///
    /// - Parameters:
    ///   - token: the session's secret.
    ///   - maximumAge: how long the browser keeps it, in seconds.
    ///   - isSecure: whether the client uses TLS.
    /// - Returns: the value of the field.
    public static func beginning(_ token: SecretToken, maximumAge: Int, isSecure: Bool) -> String {
        cookie(name(isSecure: isSecure), token.text, "; Max-Age=\(maximumAge)", isSecure)
    }

    /// The value of Set-Cookie that makes the browser forget the session.
    public static func ending(isSecure: Bool) -> String {
        cookie(name(isSecure: isSecure), "", "; Max-Age=0", isSecure)
    }

    static func visitor(_ secret: SecretToken, isSecure: Bool) -> String {
        cookie(visitorName(isSecure: isSecure), secret.text, "", isSecure)
    }

    private static func cookie(_ name: String, _ value: String, _ age: String, _ isSecure: Bool) -> String {
        "\(name)=\(value); Path=/\(age); HttpOnly; SameSite=Lax\(isSecure ? "; Secure" : "")"
    }
}
