/// Names one account: by number inside, by public id and handle outside.
public struct AccountReference: Sendable, Hashable {
    /// `account.id`; never leaves the server.
    public let id: Int64
    /// `account.public_id`, as `acc_` and 22 characters.
    public let publicID: String
    /// The name chosen by its owner, unique without regard to case.
    public let handle: String

    /// A reference to one account.
    public init(id: Int64, publicID: String, handle: String) {
        self.id = id
        self.publicID = publicID
        self.handle = handle
    }
}

/// Who asks: a visitor, a person with a session, or a person's API token.
public struct Actor: Sendable, Hashable {
    /// The account; `nil` for a visitor.
    public let account: AccountReference?
    /// The rows of `account_role`.
    public let grants: Set<RoleGrant>
    /// What the API token in use may do; `nil` when there is none and everything the roles allow is allowed.
    public let scopes: Set<Scope>?

    /// Somebody who is not signed in.
    public static let visitor = Actor(account: nil, grants: [])

    /// Somebody with these roles.
    public init(account: AccountReference?, grants: Set<RoleGrant>, scopes: Set<Scope>? = nil) {
        self.account = account
        self.grants = grants
        self.scopes = scopes
    }

    /// Whether nobody is signed in.
    public var isVisitor: Bool { account == nil }

    /// The roles that hold everywhere; a signed-in actor is always a member.
    public var roles: Set<Role> {
        guard account != nil else { return [] }
        return Set(grants.filter { $0.scope == .site }.map(\.role)).union([.member])
    }

    /// Whether a role holds everywhere.
    public func has(_ role: Role) -> Bool { roles.contains(role) }

    /// Whether a role holds for one object, or everywhere.
    public func has(_ role: Role, forObject kind: String, id: Int64) -> Bool {
        has(role) || (account != nil && grants.contains(RoleGrant(role, scope: .object(kind: kind, id: id))))
    }
}
