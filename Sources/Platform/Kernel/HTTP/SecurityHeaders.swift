internal import HTTPTypes
internal import Hummingbird

/// The fields that tell browsers what a page of ours may do (ASVS 5.0 §3.4).
struct SecurityHeaders {
    /// A year and a half.
    private static let strictTransport = "max-age=47304000; includeSubDomains"
    private static let permissions =
        "accelerometer=(), browsing-topics=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
        + "magnetometer=(), microphone=(), midi=(), payment=(), usb=(), autoplay=(self), fullscreen=(self), "
        + "picture-in-picture=(self)"

    let isSecure: Bool
    let nonce: String
    /// Whether other sites may show the page in a frame: only what stands under `/embed/`.
    let isEmbeddable: Bool

    init(path: String, isSecure: Bool, nonce: String) {
        self.isSecure = isSecure
        self.nonce = nonce
        isEmbeddable = path.hasPrefix("/embed/")
    }

    /// What pages may load, run and send.
    ///
    /// Scripts run only when the page names them with this answer's nonce: neither what somebody got into the page nor a file
    /// that somebody uploaded here can (ASVS 3.4.3). Everything else comes from here.
    var contentSecurityPolicy: String {
        [
            "default-src 'none'", "script-src 'nonce-\(nonce)'", "style-src 'self' 'nonce-\(nonce)'",
            "img-src 'self' data: blob:", "media-src 'self' blob:", "font-src 'self'", "connect-src 'self'",
            "worker-src 'self' blob:", "manifest-src 'self'", "frame-src 'self'", "form-action 'self'",
            "frame-ancestors \(isEmbeddable ? "*" : "'none'")", "object-src 'none'", "base-uri 'none'",
        ].joined(separator: "; ")
    }

    /// Sets the fields; what a handler has set itself stays.
    func apply(to headers: inout HTTPFields) {
        var fields: [(String, String)] = [
            ("Content-Security-Policy", contentSecurityPolicy),
            ("X-Content-Type-Options", "nosniff"),
            // Same-origin form posts must carry an Origin that is not "null": no-referrer would take it away.
            ("Referrer-Policy", "same-origin"),
            ("Permissions-Policy", Self.permissions),
            ("Cross-Origin-Resource-Policy", isEmbeddable ? "cross-origin" : "same-origin"),
        ]
        if !isEmbeddable { fields.append(("Cross-Origin-Opener-Policy", "same-origin")) }
        if isSecure { fields.append(("Strict-Transport-Security", Self.strictTransport)) }
        for (name, value) in fields {
            guard let name = HTTPField.Name(name), headers[name] == nil else { continue }
            headers[name] = value
        }
    }
}
