internal import HTTPTypes

/// Decides whether a request that changes something was made by a page of ours.
///
/// | who | what must hold |
/// |---|---|
/// | an API token | nothing: no browser sends it by itself |
/// | the API without a session | no field says that it comes from another site |
/// | the API with a session, every form | a field says that it comes from here, and the token came back |
struct CrossSiteCheck {
    /// Why a request is refused.
    enum Refusal: String, Sendable {
        /// It comes from another site.
        case crossSite = "cross_site"
        /// Nothing says that it comes from here.
        case unknownOrigin = "origin_missing"
        /// The token is missing, or belongs to another session.
        case token = "csrf_token_invalid"
    }

    /// What the request's fields say.
    enum Site: Sendable {
        case own
        case other
        case unsaid
    }

    /// The origins that are ours.
    let ownOrigins: Set<String>

    /// - Parameters:
    ///   - publicOrigin: the site's own origin, when it is known.
    ///   - authority: what the client calls this server (Host, or `:authority`).
    ///   - isSecure: whether it uses TLS.
    init(publicOrigin: String?, authority: String?, isSecure: Bool) {
        let called = authority.map { "\(isSecure ? "https" : "http")://\($0)" }
        ownOrigins = Set([publicOrigin, called].compactMap { $0.map { Self.normal($0) } })
    }

    /// Origins are compared as browsers write them: small letters, no default port (RFC 6454 §6.2).
    private static func normal(_ origin: String) -> String {
        let small = origin.lowercased()
        if small.hasPrefix("https://"), small.hasSuffix(":443") { return String(small.dropLast(4)) }
        if small.hasPrefix("http://"), small.hasSuffix(":80") { return String(small.dropLast(3)) }
        return small
    }

    /// Where a request comes from.
    func site(_ headers: HTTPFields) -> Site {
        let fetchSite = HTTPField.Name("Sec-Fetch-Site").flatMap { headers[$0] }
        if let origin = headers[.origin], origin != "null" {
            return ownOrigins.contains(Self.normal(origin)) ? .own : .other
        }
        switch fetchSite {
        case "same-origin": return .own
        case nil: return headers[.origin] == nil ? .unsaid : .other
        default: return .other
        }
    }

    /// Why a request is to be refused; `nil` when it is not.
    func refusal(_ headers: HTTPFields, needsToken: Bool, tokenMatches: Bool) -> Refusal? {
        switch site(headers) {
        case .other: .crossSite
        case .unsaid where needsToken: .unknownOrigin
        default: needsToken && !tokenMatches ? .token : nil
        }
    }
}
