import Kernel
import Mail
import MediaCore

/// The settings of the platform, checked.
struct PlatformSettings: Sendable {
    /// Where people reach the server, without a slash at the end; `nil` for this machine and the HTTP port.
    let publicURL: String?
    /// The database; `nil` for one of the server's own.
    let databaseURL: Secret?
    let databaseConnections: Int
    /// The folder with PostgreSQL's programs; `nil` for where Debian has them.
    let databasePrograms: String?
    /// What is signed and sealed with; `nil` for what is in the data folder.
    let secret: Secret?
    let trustedProxies: TrustedProxies
    /// The server that sends mails; `nil` for a folder.
    let smtp: SMTPConfiguration?
    /// Who else may have signed its certificate; empty for nobody.
    let smtpAuthorities: String
    let sender: MailSender
    /// The parts that are on.
    let areas: Set<FeatureFlags.Area>

    /// Reads and checks the settings; `nil` when the platform is off.
    ///
    /// - Throws: ``ConfigurationError`` with the first setting that is wrong, also of a platform that is off.
    init?(_ reader: ServerConfiguration.Reader) throws {
        let isOn = try reader.value(.platformSwitch, Self.onOff)
        publicURL = try reader.value(.publicURL, Self.origin)
        databaseURL = try reader.value(.databaseURL) { text in
            guard !text.isEmpty else { return .some(nil) }
            return Self.has(text, ["postgresql://", "postgres://"]) ? .some(Secret(text)) : nil
        }
        databaseConnections = try reader.value(.databaseConnections) { text in
            Int(text).flatMap { (2...64).contains($0) ? $0 : nil }
        }
        databasePrograms = try reader.value(.databasePrograms) { .some($0.isEmpty ? nil : $0) }
        secret = try reader.value(.platformSecret) { text in
            text.isEmpty ? .some(nil) : text.count >= 32 ? .some(Secret(text)) : nil
        }
        trustedProxies = try reader.value(.trustedProxies) { TrustedProxies($0) }
        smtp = try reader.value(.smtpURL) { text in
            text.isEmpty ? .some(nil) : (try? SMTPConfiguration(url: text)).map { .some($0) }
        }
        smtpAuthorities = try reader.value(.smtpAuthorities) { $0 }
        sender = try reader.value(.mailFrom) { MailSender($0) }
        let switches: [(FeatureFlags.Area, ConfigurationKey)] = [
            (.courses, .courses), (.shop, .shop), (.social, .social),
        ]
        areas = Set(try switches.filter { try reader.value($0.1, Self.onOff) }.map(\.0))
        if !isOn { return nil }
    }

    private static func onOff(_ text: String) -> Bool? { ["on": true, "off": false][text] }

    private static func has(_ text: String, _ schemes: [String]) -> Bool {
        schemes.contains { text.hasPrefix($0) && text.count > $0.count }
    }

    /// An address without a path; a slash at its end is taken off.
    private static func origin(_ text: String) -> String?? {
        guard !text.isEmpty else { return .some(nil) }
        let address = text.hasSuffix("/") ? String(text.dropLast()) : text
        guard let scheme = ["http://", "https://"].first(where: address.hasPrefix) else { return nil }
        let authority = address.dropFirst(scheme.count)
        let isAuthority =
            !authority.isEmpty
            && authority.unicodeScalars.allSatisfy { scalar in
                (scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil))
                    || ".-:[]".unicodeScalars.contains(scalar)
            }
        return isAuthority ? .some(address) : nil
    }
}
