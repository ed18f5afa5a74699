internal import Cryptography

/// Whom a feature is switched on for.
///
/// Stored as JSON: `{"to":"nobody"}`, `{"to":"everyone"}`, `{"to":"roles","roles":["admin"]}`,
/// `{"to":"percentage","percentage":25}`, `{"to":"accounts","accounts":["acc_…"]}`.
public enum FlagRule: Sendable, Equatable {
    /// Off.
    case nobody

    /// On, for visitors too.
    case everyone

    /// On for accounts with one of these roles, by the roles' stored names.
    case roles(Set<String>)

    /// On for this share of the accounts, 0 to 100; visitors have it at 100 only.
    case percentage(Int)

    /// On for these accounts, by public id.
    case accounts(Set<String>)

    /// The most roles or accounts a rule may name.
    public static let maximumNames = 1000

    /// Whom a rule is evaluated for.
    public struct Subject: Sendable, Equatable {
        /// The account's public id, nil for a visitor.
        public let account: String?

        /// The stored names of the account's roles.
        public let roles: Set<String>

        /// Names a subject.
        ///
        /// - Parameters:
        ///   - account: the public id, nil for a visitor.
        ///   - roles: the stored names of the roles.
        public init(account: String?, roles: Set<String> = []) {
            self.account = account
            self.roles = roles
        }

        /// Somebody who has not signed in.
        public static let visitor = Subject(account: nil)
    }

    /// Whether a feature under this rule is on for somebody.
    ///
    /// - Parameters:
    ///   - key: the feature's key: two features at 10 % are not switched on for the same tenth.
    ///   - subject: whom it is asked for.
    /// - Returns: whether the rule names them.
    public func isOn(_ key: String, for subject: Subject) -> Bool {
        switch self {
        case .nobody: return false
        case .everyone: return true
        case .roles(let roles): return !roles.isDisjoint(with: subject.roles)
        case .accounts(let accounts): return subject.account.map(accounts.contains) ?? false
        case .percentage(let share):
            guard let account = subject.account else { return share >= 100 }
            return Self.bucket(key, account) < share
        }
    }

    /// Where an account stands among 100 for a feature: the same on each server and after each restart, and it stays on
    /// as the share grows.
    static func bucket(_ key: String, _ account: String) -> Int {
        let digest = SHA256.digest(of: Array("\(key):\(account)".utf8))
        return digest.prefix(4).reduce(0) { $0 << 8 | Int($1) } % 100
    }
}

extension FlagRule: Codable {
    private enum CodingKeys: String, CodingKey { case to, roles, percentage, accounts }

    /// Reads a rule.
    ///
    /// - Throws: `DecodingError` for an unknown kind, a percentage outside 0...100, or more than ``maximumNames``
    ///   names.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func names(_ key: CodingKeys) throws -> Set<String> {
            let names = try container.decode([String].self, forKey: key)
            guard names.count <= Self.maximumNames else {
                throw DecodingError.dataCorruptedError(
                    forKey: key,
                    in: container,
                    debugDescription: "\(names.count) names, at most \(Self.maximumNames) allowed"
                )
            }
            return Set(names)
        }
        switch try container.decode(String.self, forKey: .to) {
        case "nobody": self = .nobody
        case "everyone": self = .everyone
        case "roles": self = .roles(try names(.roles))
        case "accounts": self = .accounts(try names(.accounts))
        case "percentage":
            let share = try container.decode(Int.self, forKey: .percentage)
            guard (0...100).contains(share) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .percentage,
                    in: container,
                    debugDescription: "\(share) is not within 0...100"
                )
            }
            self = .percentage(share)
        case let kind:
            throw DecodingError.dataCorruptedError(
                forKey: .to,
                in: container,
                debugDescription: "no rule is called \(kind)"
            )
        }
    }

    /// Writes the rule as its JSON object; names in order, so that equal rules are equal texts.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .nobody: try container.encode("nobody", forKey: .to)
        case .everyone: try container.encode("everyone", forKey: .to)
        case .roles(let roles):
            try container.encode("roles", forKey: .to)
            try container.encode(roles.sorted(), forKey: .roles)
        case .accounts(let accounts):
            try container.encode("accounts", forKey: .to)
            try container.encode(accounts.sorted(), forKey: .accounts)
        case .percentage(let share):
            try container.encode("percentage", forKey: .to)
            try container.encode(share, forKey: .percentage)
        }
    }
}
