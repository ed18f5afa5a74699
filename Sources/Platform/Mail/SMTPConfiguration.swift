internal import Foundation
internal import NIOCore

/// The SMTP server that takes our mail: `smtp://user:password@host:587` (STARTTLS) or `smtps://host` (TLS from the start).
public struct SMTPConfiguration: Hashable, Sendable, CustomStringConvertible {
    /// When a connection is secured.
    public enum Security: Hashable, Sendable {
        /// From its first byte (RFC 8314 §3.3).
        case implicit
        /// By STARTTLS (RFC 3207); without it no mail is sent.
        case startTLS
        /// By STARTTLS if the server offers it: only where nobody is between us and the server, or on demand.
        case opportunistic
    }

    /// Who we say that we are.
    public struct Credentials: Hashable, Sendable, CustomStringConvertible {
        /// The name.
        public let user: String
        /// The secret.
        public let password: String

        /// The name; the secret is nobody's business.
        public var description: String { "\(user):***" }

        /// Credentials.
        ///
        /// - Parameters:
        ///   - user: the name.
        ///   - password: the secret.
        public init(user: String, password: String) {
            self.user = user
            self.password = password
        }
    }

    /// What is wrong with a URL.
    public struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
        /// A sentence without the URL, which may hold a password.
        public let description: String
    }

    /// The port for `smtp://` (RFC 6409 §3.1).
    public static let submissionPort = 587
    /// The port for `smtps://` (RFC 8314 §3.3).
    public static let submissionsPort = 465

    /// Its name or address.
    public let host: String
    /// Its port.
    public let port: Int
    /// When the connection is secured.
    public let security: Security
    /// Who we say that we are; `nil` to say nothing.
    public let credentials: Credentials?
    /// How long to wait for a connection.
    public var connectTimeout = Duration.seconds(30)
    /// How long to wait for each answer; RFC 5321 §4.5.3.2 wants 2 to 5 minutes.
    public var replyTimeout = Duration.seconds(120)
    /// How long to wait for the answer to all of a mail: who gives up early sends it twice (RFC 5321 §4.5.3.2.6).
    public var deliveryTimeout = Duration.seconds(600)

    /// The server without the secret.
    public var description: String {
        let scheme = security == .implicit ? "smtps" : "smtp"
        return "\(scheme)://\(credentials.map { "\($0)@" } ?? "")\(host):\(port)"
    }

    /// Whether the server is on this machine.
    var isLocal: Bool { Self.isLocal(host) }

    private static func isLocal(_ host: String) -> Bool {
        host == "localhost" || host == "::1"
            || (try? SocketAddress(ipAddress: host, port: 0)) != nil && host.hasPrefix("127.")
    }

    /// Reads a URL.
    ///
    /// - Parameter url: `smtp://` or `smtps://`, user and password with what is special in URLs as %XX. With
    ///   `?starttls=optional`, which is the default on this machine, mail goes without TLS where the server has none; the password
    ///   never does, unless the server is on this machine.
    /// - Throws: ``Fault``.
    public init(url: String) throws(Fault) {
        guard let parts = URLComponents(string: url), let scheme = parts.scheme?.lowercased(), let host = parts.host,
            !host.isEmpty
        else { throw Fault(description: "it is no URL such as smtp://user:password@host:587") }
        guard ["smtp", "smtps"].contains(scheme) else {
            throw Fault(description: "its scheme is \(scheme), and has to be smtp or smtps")
        }
        guard ["", "/"].contains(parts.path), parts.fragment == nil else {
            throw Fault(description: "there is more behind host and port than belongs there")
        }
        self.host = host.trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        port = parts.port ?? (scheme == "smtps" ? Self.submissionsPort : Self.submissionPort)
        guard (1...65535).contains(port) else { throw Fault(description: "\(port) is no port") }
        credentials = try Self.credentials(parts)
        security = scheme == "smtps" ? .implicit : try Self.security(parts.queryItems ?? [], of: self.host)
    }

    private static func credentials(_ parts: URLComponents) throws(Fault) -> Credentials? {
        switch (parts.user, parts.password) {
        case (nil, nil): return nil
        case (let user?, let password?) where !user.isEmpty:
            guard !(user + password).unicodeScalars.contains("\0") else {
                throw Fault(description: "a zero is in the password")
            }
            return Credentials(user: user, password: password)
        default: throw Fault(description: "user and password belong together")
        }
    }

    private static func security(_ query: [URLQueryItem], of host: String) throws(Fault) -> Security {
        guard let item = query.first else { return isLocal(host) ? .opportunistic : .startTLS }
        switch (query.count, item.name, item.value) {
        case (1, "starttls", "required"): return .startTLS
        case (1, "starttls", "optional"): return .opportunistic
        default: throw Fault(description: "only starttls=required or starttls=optional may stand behind the ?")
        }
    }
}
