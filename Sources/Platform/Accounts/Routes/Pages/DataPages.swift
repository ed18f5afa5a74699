internal import HTTPTypes
internal import FoundationEssentials
internal import Hummingbird
internal import Kernel
internal import Web

/// The page of API tokens.
struct TokensPage: ViewModel {
    let created: Secret?
    let tokens: Table
    let form: Form
}

/// The page of one's data.
struct DataPage: ViewModel {
    let export: ActionButton?
    let exportPath: String?
    let exportMadeAt: Moment?
    let delete: Form
}

extension AccountsModule {
    private var tokenForm: Form {
        Form(
            "token",
            action: "/account/tokens",
            submit: "Make the token",
            inputs: [
                Input(
                    "name",
                    "Name",
                    hint: "What it is for.",
                    isRequired: true,
                    maximumLength: ProfileText.maximumName
                ),
                Input(
                    "scopes",
                    "What it may do",
                    .checkboxes(
                        ground.settings.scopes.map {
                            Input.Option($0.scope.rawValue, $0.scope.rawValue, hint: $0.summary)
                        }
                    ),
                    isRequired: true
                ),
                Input(
                    "expires_in_days",
                    "Ends after",
                    .select([
                        Input.Option("7", "7 days"), Input.Option("30", "30 days"), Input.Option("90", "90 days"),
                        Input.Option("365", "a year"),
                    ]),
                    isRequired: true,
                    values: ["30"]
                ),
            ]
        )
    }
    private static let deletionForm = Form(
        "deletion",
        action: "/account/data/deletion",
        submit: "Delete my account",
        inputs: [
            Input("handle", "Your handle, to be sure", autocomplete: "off", isRequired: true, maximumLength: 30),
            passwordInput,
        ],
        isDangerous: true
    )

    /// API tokens, as pages.
    var tokenPages: [Endpoint] {
        [
            Endpoint(
                .get,
                "/account/tokens",
                .page,
                "apiTokensPage",
                "The page of the API tokens",
                tag: "API tokens",
                access: .signedIn
            ) { try await tokensPage($0, $1) },
            Endpoint(
                .post,
                "/account/tokens",
                .page,
                "createAPITokenForm",
                "Makes an API token",
                tag: "API tokens",
                access: .signedIn,
                rateLimit: .media,
                body: Self.formBody(AccountSchemas.newToken),
                statementBudget: 18
            ) { request, context in
                try await answer(request, context) {
                    try await tokensPage(request, context, problem: $0)
                } work: {
                    let body = try context.decodeBody(NewAPIToken.self)
                    let (_, token) = try await tokens.create(body, by: Caller(request, context))
                    return try await tokensPage(request, context, created: token)
                }
            },
            Endpoint(
                .post,
                "/account/tokens/{id}/revocation",
                .page,
                "revokeAPITokenForm",
                "Revokes an API token",
                tag: "API tokens",
                access: .signedIn,
                parameters: [.path("id", .text(format: .publicID("tok_")))],
                statementBudget: 8
            ) { request, context in
                try await tokens.revoke(try context.parameter("id"), by: Caller(request, context))
                return .seeOther("/account/tokens", saying: Flash(.success, "The token is revoked."), context)
            },
        ]
    }

    private func tokensPage(
        _ request: Request,
        _ context: PlatformContext,
        created: BearerToken? = nil,
        problem: Problem? = nil
    ) async throws -> Response {
        let rows = try await tokens.list(for: Caller(request, context))
        let model = TokensPage(
            created: created.map {
                Secret("created", label: "The new token", hint: "It is shown this once: copy it now.", lines: [$0.text])
            },
            tokens: Self.table(of: rows, now: context.now),
            form: form(tokenForm, context, problem)
        )
        return try accountPage("account-tokens", "API tokens", model, request, context)
    }

    private static func table(of rows: [APITokenRow], now: Date) -> Table {
        Table(
            "Your API tokens",
            columns: ["Name", "Scopes", "Ends", "Last used", "Action"],
            rows: rows.map { row in
                [
                    .foreign(row.name), .badges(row.scopes.map { Badge($0) }),
                    row.expiresAt > now ? .time(Moment(row.expiresAt)) : .badge(Badge("ended", .warning)),
                    row.lastUsedAt.map { .time(Moment($0)) } ?? .none("never"),
                    .actions([
                        ActionButton("Revoke", action: "/account/tokens/\(row.publicID)/revocation", subject: row.name)
                    ]),
                ]
            },
            empty: EmptyState("No tokens", "A program that should act for you needs one.")
        )
    }

    /// One's data, as pages.
    var dataPages: [Endpoint] {
        [
            Endpoint(
                .get,
                "/account/data",
                .page,
                "dataPage",
                "The page of one's data",
                tag: "Account",
                access: .signedIn
            ) {
                try dataPage($0, $1)
            },
            Endpoint(
                .post,
                "/account/data/export",
                .page,
                "exportForm",
                "All that is kept about one, as a file",
                tag: "Account",
                access: .signedIn,
                rateLimit: .media,
                responses: [EndpointResponse(200, "The file.", contentType: "application/json")],
                statementBudget: 16
            ) { request, context in
                try Self.file(try await personalData.export(for: Caller(request, context)))
            },
            Endpoint(
                .post,
                "/account/data/deletion",
                .page,
                "deletionForm",
                "Deletes the account",
                tag: "Account",
                access: .signedIn,
                rateLimit: .signIn,
                body: Self.formBody(AccountSchemas.deletion),
                statementBudget: 32
            ) { request, context in
                try await answer(request, context) {
                    try dataPage(request, context, $0)
                } work: {
                    let body = try context.decodeBody(Deletion.self)
                    let caller = Caller(request, context)
                    try await personalData.delete(password: body.password, handle: body.handle, by: caller)
                    let flash = Flash(.notice, "Your account is deleted.")
                    return Response.seeOther("/", saying: flash, context).endingSession(context)
                }
            },
        ]
    }

    private func dataPage(
        _ request: Request,
        _ context: PlatformContext,
        _ problem: Problem? = nil
    ) throws -> Response {
        let model = DataPage(
            export: ActionButton("Export", action: "/account/data/export", subject: "your data"),
            exportPath: nil,
            exportMadeAt: nil,
            delete: form(Self.deletionForm, context, problem)
        )
        return try accountPage("account-data", "Your data", model, request, context)
    }
}
