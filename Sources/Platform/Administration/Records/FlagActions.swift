internal import Hummingbird
internal import HTTPTypes
internal import Foundation
internal import Kernel
internal import Postgres

extension AdministrationModule {
    /// A rule as it comes in and goes out: the word, and the member that goes with it.
    struct RuleDocument: Codable, Sendable, Equatable {
        enum Word: String, Codable, Sendable, CaseIterable { case nobody, everyone, roles, percentage, accounts }

        let to: Word
        var roles: [String]?
        var percentage: Int?
        var accounts: [String]?

        init(to: Word, roles: [String]? = nil, percentage: Int? = nil, accounts: [String]? = nil) {
            self.to = to
            self.roles = roles
            self.percentage = percentage
            self.accounts = accounts
        }

        init(_ rule: FlagRule) {
            switch rule {
            case .nobody: self.init(to: .nobody)
            case .everyone: self.init(to: .everyone)
            case .roles(let roles): self.init(to: .roles, roles: roles.sorted())
            case .percentage(let share): self.init(to: .percentage, percentage: share)
            case .accounts(let accounts): self.init(to: .accounts, accounts: accounts.sorted())
            }
        }

        /// The rule.
        ///
        /// - Throws: ``Problem`` 422 when the member that goes with the word is not there.
        var rule: FlagRule {
            get throws {
                switch to {
                case .nobody: .nobody
                case .everyone: .everyone
                case .roles: .roles(Set(try needed(roles, "roles")))
                case .percentage: .percentage(try needed(percentage, "percentage"))
                case .accounts: .accounts(Set(try needed(accounts, "accounts")))
                }
            }
        }

        private func needed<Value>(_ value: Value?, _ name: String) throws -> Value {
            guard let value else {
                throw Problem.invalid([
                    FieldError(pointer: "/\(name)", code: "required", detail: "is required for this rule")
                ])
            }
            return value
        }

        static let properties: [Schema.Property] = [
            .required("to", .word(Word.allCases.map(\.rawValue)).described("Whom the flag is on for.")),
            .optional("roles", .array(.word(Role.self), 0...Role.allCases.count)),
            .optional("percentage", .integer(0...100).described("The share of the accounts.")),
            .optional("accounts", .array(.text(1...40), 0...FlagRule.maximumNames).described("Public ids.")),
        ]
        static let schema = Schema.object("FlagRule", properties)
    }

    /// A flag as the API gives it.
    struct FlagDocument: Encodable, Sendable {
        let key: String
        let rule: RuleDocument
        let version: Int
        let updatedAt: String

        private enum CodingKeys: String, CodingKey {
            case key, rule, version
            case updatedAt = "updated_at"
        }

        init(_ entry: FeatureFlagStore.Entry) {
            key = entry.key
            rule = RuleDocument(entry.rule)
            version = entry.version
            updatedAt = Timestamp.text(entry.updatedAt)
        }

        static let schema = Schema.object(
            "Flag",
            [
                .required("key", keySchema), .required("rule", RuleDocument.schema),
                .required("version", .integer(1...Int(Int32.max))), .required("updated_at", .timestamp),
            ]
        )
    }

    /// The keys there may be.
    static let keySchema = Schema.text(
        format: TextFormat(
            pattern: "^[a-z][a-z0-9_.-]{0,63}$",
            length: 1...64,
            detail:
                "must begin with a small letter, and have small letters, digits, dots, hyphens and underscores only",
            example: "beta",
            matches: FeatureFlags.isKey
        )
    )

    static let key = Parameter.path("key", keySchema)

    /// All flags with a rule.
    func flags() async throws -> [FeatureFlagStore.Entry] {
        try await database.run { try FeatureFlagStore.entries(on: $0) }
    }

    /// Gives a flag a rule, or takes it away.
    ///
    /// - Parameters:
    ///   - rule: the rule; nil to take the one there is away.
    ///   - key: the flag.
    ///   - context: of the request, whose If-Match is heeded.
    /// - Returns: the flag as it is now; nil when it has no rule any more.
    /// - Throws: ``Problem`` 412 when it was changed meanwhile, 404 when there is nothing to take away.
    @discardableResult
    func set(
        _ rule: FlagRule?,
        for key: String,
        _ context: PlatformContext
    ) async throws -> FeatureFlagStore.Entry? {
        let trail = AuditTrail(context)
        return try await database.transaction { connection in
            let known = try FeatureFlagStore.entries(on: connection)
            let now = known.first { $0.key == key }
            try context.requireMatch(EntityTag(version: now?.version ?? 0))
            if now == nil, known.count >= FeatureFlagStore.maximumFlags {
                throw Problem(.conflict, code: "too_many_flags", detail: "There are too many flags.")
            }
            let isDone = try FeatureFlagStore.set(rule, for: key, ifVersion: now?.version, on: connection)
            guard isDone else {
                throw now == nil ? Problem.notFound : Problem(.conflict, code: "changed", detail: "Changed meanwhile.")
            }
            let word = rule.map { RuleDocument($0).to.rawValue } ?? "no rule"
            try trail.record("flag.set", on: key, .object([JSONMember("to", .string(word))]), connection)
            return try FeatureFlagStore.entries(on: connection).first { $0.key == key }
        }
    }
}
