/// What a person may be on the whole site or for one object (platform roles; `account_role.role`).
///
/// A visitor, who is not signed in, has no role; everybody who is signed in is at least a member.
public enum Role: String, Sendable, Hashable, CaseIterable {
    /// Has an account.
    case member
    /// Makes courses.
    case instructor
    /// Sells products.
    case seller
    /// Takes care of what people write.
    case moderator
    /// Runs the site.
    case admin
}

/// A role as it stands in a row: what somebody is, and where.
public struct RoleGrant: Sendable, Hashable {
    /// Where a role holds.
    public enum Scope: Sendable, Hashable {
        /// Everywhere.
        case site
        /// For one object only: its kind, as `course`, and its `id` in the database.
        case object(kind: String, id: Int64)
    }

    /// The role.
    public let role: Role
    /// Where it holds.
    public let scope: Scope

    /// A role and where it holds.
    public init(_ role: Role, scope: Scope = .site) {
        self.role = role
        self.scope = scope
    }
}

/// What an API token may be used for, as `account:read` or `account:write`.
public struct Scope: RawRepresentable, Sendable, Hashable, ExpressibleByStringLiteral {
    /// The text as it stands in the token's row and in the API description.
    public let rawValue: String

    /// A scope of this name.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// A scope of this name.
    public init(stringLiteral value: String) { rawValue = value }
}
