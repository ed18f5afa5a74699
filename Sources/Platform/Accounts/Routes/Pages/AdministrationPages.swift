internal import HTTPTypes
internal import FoundationEssentials
internal import Hummingbird
internal import Kernel
internal import Web

/// The list of accounts for administrators; its template is the administration's.
struct UsersPage: ViewModel {
    let search: Form
    let users: Table
}

/// One account for administrators.
struct UserPage: ViewModel {
    let name: String
    let facts: Facts
    let roles: Form
    let actions: [ActionButton]
    let sessions: Table
    let audit: Table
}

extension AccountsModule {
    private static let searchForm = Form(
        "search",
        action: "/admin/users",
        submit: "Search",
        inputs: [Input("q", "E-mail or handle", .line(type: "search"), maximumLength: 254)],
        isSearch: true
    )
    private static let userParameter: [Parameter] = [.path("id", .text(format: .publicID("acc_")))]
    private static let grantable: [Role] = [.instructor, .seller, .moderator, .admin]

    /// Accounts for administrators, as pages.
    var administrationPages: [Endpoint] {
        [
            Endpoint(
                .get,
                "/admin/users",
                .page,
                "usersPage",
                "The accounts",
                tag: "Administration",
                access: .role([.admin]),
                parameters: Parameter.paging + [.query("q", .text(0...254))]
            ) { try await usersPage($0, $1) },
            Endpoint(
                .get,
                "/admin/users/{id}",
                .page,
                "userPage",
                "One account",
                tag: "Administration",
                access: .role([.admin]),
                parameters: Self.userParameter
            ) { try await userPage($0, $1) },
            Endpoint(
                .post,
                "/admin/users/{id}/roles",
                .page,
                "rolesForm",
                "Gives and takes roles",
                tag: "Administration",
                access: .role([.admin]),
                parameters: Self.userParameter,
                body: .form(.object([.optional("roles", .array(.word(Self.grantable.map(\.rawValue)), 0...4))])),
                statementBudget: 60
            ) { request, context in
                try await answer(request, context) {
                    try await userPage(request, context, $0)
                } work: {
                    let id = try context.parameter("id")
                    try await setRoles(Set(context.bodyFields.all("roles")), of: id, by: Caller(request, context))
                    return .seeOther("/admin/users/\(id)", saying: Flash(.success, "The roles are changed."), context)
                }
            },
            action("sign-out", "endSessionsOfUserForm", "Ends an account's sessions", "The sessions have ended.") {
                _ = try await administration.endSessions(of: $0, by: $1)
            },
            action("disable", "disableUserForm", "Shuts an account", "The account is disabled.") {
                _ = try await administration.disable($0, by: $1)
            },
            action("enable", "enableUserForm", "Opens an account again", "The account is enabled.") {
                _ = try await administration.enable($0, by: $1)
            },
        ]
    }

    private func action(
        _ name: String,
        _ operationID: String,
        _ summary: String,
        _ done: String,
        _ work: @escaping @Sendable (String, Caller) async throws -> Void
    ) -> Endpoint {
        Endpoint(
            .post,
            "/admin/users/{id}/\(name)",
            .page,
            operationID,
            summary,
            tag: "Administration",
            access: .role([.admin]),
            parameters: Self.userParameter,
            statementBudget: 22
        ) { request, context in
            try await answer(request, context) {
                try await userPage(request, context, $0)
            } work: {
                let id = try context.parameter("id")
                try await work(id, Caller(request, context))
                return .seeOther("/admin/users/\(id)", saying: Flash(.success, done), context)
            }
        }
    }

    /// Gives and takes roles until an account has those that are wanted.
    private func setRoles(_ wanted: Set<String>, of id: String, by caller: Caller) async throws {
        let present = Set(try await administration.account(id).roles)
        for role in Self.grantable where wanted.contains(role.rawValue) != present.contains(role.rawValue) {
            if wanted.contains(role.rawValue) {
                _ = try await administration.grant(role, to: id, by: caller)
            } else {
                _ = try await administration.revoke(role, of: id, by: caller)
            }
        }
    }

    private func usersPage(_ request: Request, _ context: PlatformContext) async throws -> Response {
        let search = context.query["q"]?.text ?? ""
        let part = try context.pageRequest()
        let page = context.page(of: try await administration.accounts(search, page: part), part) { ("", $0.row) }
        func path(_ cursor: String?) -> String? {
            cursor.map { "/admin/users?\(search.isEmpty ? "" : "q=\(Self.escaped(search))&")cursor=\($0)" }
        }
        let table = Table(
            "Accounts",
            columns: ["Name", "Handle", "Roles", "State", "Joined", "Last seen"],
            rows: page.data.map { account in
                [
                    .link(
                        account.displayName.isEmpty ? account.handle : account.displayName,
                        "/admin/users/\(account.id)",
                        detail: account.email
                    ),
                    .foreign(account.handle), .badges(account.roles.map { Badge($0) }), .badge(account.status.badge),
                    .time(Moment(account.createdAt)), account.lastSeenAt.map { .time(Moment($0)) } ?? .none("never"),
                ]
            },
            empty: EmptyState("Nobody found", "No address or handle has this in it."),
            pagination: Pagination(of: "accounts", previous: path(page.previous), next: path(page.next))
        )
        let model = UsersPage(search: Self.searchForm.filled(with: ["q": search]), users: table)
        let head = PageHead("Users", area: .administration)
        return try pages.render("admin-users", model, head: head, request: request, context: context)
    }

    private func userPage(
        _ request: Request,
        _ context: PlatformContext,
        _ problem: Problem? = nil
    ) async throws -> Response {
        let (account, sessions, audit) = try await administration.detail(try context.parameter("id"), now: context.now)
        let name = account.displayName.isEmpty ? account.handle : account.displayName
        let roles = Form(
            "roles",
            action: "/admin/users/\(account.id)/roles",
            submit: "Change the roles",
            inputs: [
                Input(
                    "roles",
                    "Roles",
                    .checkboxes(Self.grantable.map { Input.Option($0.rawValue, $0.rawValue) }),
                    hint: "The account's sessions end."
                )
            ]
        )
        let model = UserPage(
            name: name,
            facts: Self.facts(account),
            roles: problem.map { roles.again(context.bodyFields, $0) } ?? roles.filled(with: ["roles": account.roles]),
            actions: Self.actions(account, name),
            sessions: Table(
                "Sessions",
                columns: ["Browser", "Network", "Last seen"],
                rows: sessions.map { [.foreign($0.agent), .text($0.network), .time(Moment($0.lastSeenAt))] },
                empty: EmptyState("No sessions", "Nobody is signed in to this account.")
            ),
            audit: Table(
                "What was done",
                columns: ["When", "What", "By"],
                rows: audit.map { [.time(Moment($0.at)), .code($0.entry.action), .code($0.entry.actor)] },
                empty: EmptyState("Nothing", "Nothing was done to this account.")
            )
        )
        let head = PageHead("User \(name)", area: .administration)
        return try pages.render("admin-user", model, head: head, request: request, context: context)
    }

    private static func facts(_ account: AdministeredAccount) -> Facts {
        Facts([
            ("Public id", .code(account.id)), ("E-mail", .foreign(account.email ?? "none")),
            ("State", .badge(account.status.badge)), ("Second factor", .text(account.hasSecondFactor ? "on" : "off")),
            ("Joined", .time(Moment(account.createdAt))),
            ("Last seen", account.lastSeenAt.map { .time(Moment($0)) } ?? .none("never")),
        ])
    }

    private static func actions(_ account: AdministeredAccount, _ name: String) -> [ActionButton] {
        let path = "/admin/users/\(account.id)"
        switch account.status {
        case .active:
            return [
                ActionButton("Sign out everywhere", action: "\(path)/sign-out", subject: name),
                ActionButton(
                    "Disable",
                    action: "\(path)/disable",
                    subject: name,
                    confirmation: "End all sessions and disable it?"
                ),
            ]
        case .disabled: return [ActionButton("Enable", action: "\(path)/enable", subject: name)]
        case .deleted: return []
        }
    }

    /// A text as the value of a query's field.
    private static func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }
}

extension AccountStatus {
    /// The state in a word.
    var badge: Badge {
        switch self {
        case .active: Badge("active", .good)
        case .disabled: Badge("disabled", .bad)
        case .deleted: Badge("deleted", .neutral)
        }
    }
}
