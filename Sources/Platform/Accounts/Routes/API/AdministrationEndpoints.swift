internal import HTTPTypes
internal import Hummingbird
internal import Kernel

extension AccountsModule {
    private static let idParameter: Parameter = .path("id", .text(format: .publicID("acc_")))
    private static let roleParameter: Parameter = .path(
        "role",
        .word(["instructor", "seller", "moderator", "admin"])
    )

    /// Accounts for administrators, in the API.
    var administrationEndpoints: [Endpoint] {
        [
            Endpoint(
                .get,
                "/api/v1/admin/accounts",
                .api,
                "accounts",
                "The accounts, the newest first",
                tag: "Administration",
                access: .role([.admin]),
                scope: "admin:read",
                parameters: Parameter.paging + [
                    .query("q", Schema.text(0...254).described("Part of an e-mail address or of a handle."))
                ],
                responses: [.ok(.page(of: AccountSchemas.administered))],
                statementBudget: 3
            ) { request, context in
                let page = try context.pageRequest()
                let rows = try await administration.accounts(context.query["q"]?.text, page: page)
                return try .page(context.page(of: rows, page) { ("", $0.row) }, of: request)
            },
            Endpoint(
                .get,
                "/api/v1/admin/accounts/{id}",
                .api,
                "account",
                "One account",
                tag: "Administration",
                access: .role([.admin]),
                scope: "admin:read",
                parameters: [Self.idParameter],
                responses: [.ok(AccountSchemas.administered)],
                statementBudget: 3
            ) { _, context in
                try .json(try await administration.account(try context.parameter("id")))
            },
            action(.put, "roles/{role}", "grantRole", "Gives a role; the account's sessions end", [Self.roleParameter])
            {
                try await administration.grant(try Self.role($1), to: $0, by: $2)
            },
            action(
                .delete,
                "roles/{role}",
                "revokeRole",
                "Takes a role away; the account's sessions end",
                [Self.roleParameter]
            ) {
                try await administration.revoke(try Self.role($1), of: $0, by: $2)
            },
            action(.post, "sign-out", "endSessionsOfAccount", "Ends an account's sessions") { id, _, caller in
                try await administration.endSessions(of: id, by: caller)
            },
            action(.post, "disable", "disableAccount", "Shuts an account; its sessions end") { id, _, caller in
                try await administration.disable(id, by: caller)
            },
            action(.post, "enable", "enableAccount", "Opens an account again") { id, _, caller in
                try await administration.enable(id, by: caller)
            },
        ]
    }

    private typealias Work = @Sendable (String, PlatformContext, Caller) async throws -> AdministeredAccount

    /// Something done to one account, which answers with the account.
    private func action(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ operationID: String,
        _ summary: String,
        _ parameters: [Parameter] = [],
        _ work: @escaping Work
    ) -> Endpoint {
        Endpoint(
            method,
            "/api/v1/admin/accounts/{id}/\(path)",
            .api,
            operationID,
            summary,
            tag: "Administration",
            access: .role([.admin]),
            scope: "admin:write",
            parameters: [Self.idParameter] + parameters,
            responses: [
                .ok(AccountSchemas.administered),
                .problem(409, "The account's state does not allow it, as taking the role of the last administrator."),
            ],
            statementBudget: 18
        ) { request, context in
            try .json(try await work(try context.parameter("id"), context, Caller(request, context)))
        }
    }

    private static func role(_ context: PlatformContext) throws -> Role {
        guard let role = Role(rawValue: try context.parameter("role")) else { throw Problem.notFound }
        return role
    }
}
