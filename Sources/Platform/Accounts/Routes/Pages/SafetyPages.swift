internal import HTTPTypes
internal import FoundationEssentials
internal import Hummingbird
internal import Kernel
internal import Web

/// The page of the second factor, in its three states.
struct SecondFactorPage: ViewModel {
    struct Enrolment: ViewModel {
        let secret: Secret
        let uri: String
        let form: Form
    }

    let isOn: Bool
    let enrolledAt: Moment?
    let codesLeft: Int?
    let start: Form?
    let enrolment: Enrolment?
    let newCodes: Form?
    let disable: Form?
}

/// The page that shows recovery codes, once.
struct RecoveryCodesPage: ViewModel { let codes: Secret }

/// The page of one's sessions.
struct SessionsPage: ViewModel {
    let sessions: Table
    let revokeOthers: ActionButton?
    let revokeAll: ActionButton?
}

extension AccountsModule {
    private static let startForm = Form(
        "start",
        action: "/account/second-factor",
        submit: "Set up",
        inputs: [passwordInput]
    )
    private static let enrolmentForm = Form(
        "enrolment",
        action: "/account/second-factor/confirmation",
        submit: "Turn on",
        inputs: [codeInput]
    )
    private static let newCodesForm = Form(
        "new-codes",
        action: "/account/recovery-codes",
        submit: "Make new codes",
        inputs: [passwordInput]
    )
    private static let disableForm = Form(
        "disable",
        action: "/account/second-factor/removal",
        submit: "Turn off",
        inputs: [passwordInput],
        isDangerous: true
    )

    /// The second factor, as pages.
    var secondFactorPages: [Endpoint] {
        [
            Endpoint(
                .get,
                "/account/second-factor",
                .page,
                "secondFactorPage",
                "The page of the second factor",
                tag: "Second factor",
                access: .signedIn
            ) { try await secondFactorPage($0, $1) },
            step("", "beginSecondFactorForm", "Begins to set up a second factor", Self.startForm) {
                _ = try await secondFactor.begin(password: try $1.decodeBody(PasswordOnly.self).password, by: $0)
                return .seeOther("/account/second-factor")
            },
            step("/removal", "disableSecondFactorForm", "Turns the second factor off", Self.disableForm) {
                try await secondFactor.disable(password: try $1.decodeBody(PasswordOnly.self).password, by: $0)
                return .seeOther("/account/second-factor", saying: Flash(.warning, "The second factor is off."), $1)
            },
            Endpoint(
                .post,
                "/account/second-factor/confirmation",
                .page,
                "confirmSecondFactorForm",
                "Turns the second factor on",
                tag: "Second factor",
                access: .signedIn,
                rateLimit: .signIn,
                body: Self.formBody(AccountSchemas.codeOnly),
                statementBudget: 36
            ) { request, context in
                try await answer(request, context) {
                    try await secondFactorPage(request, context, Self.enrolmentForm, $0)
                } work: {
                    let code = try context.decodeBody(CodeOnly.self).code
                    let codes = try await secondFactor.confirm(code: code, by: Caller(request, context))
                    return try codesPage(codes, request, context)
                }
            },
            Endpoint(
                .post,
                "/account/recovery-codes",
                .page,
                "renewRecoveryCodesForm",
                "Makes new recovery codes",
                tag: "Second factor",
                access: .signedIn,
                rateLimit: .signIn,
                body: Self.formBody(AccountSchemas.passwordOnly),
                statementBudget: 36
            ) { request, context in
                try await answer(request, context) {
                    try await secondFactorPage(request, context, Self.newCodesForm, $0)
                } work: {
                    let password = try context.decodeBody(PasswordOnly.self).password
                    let codes = try await secondFactor.renewCodes(password: password, by: Caller(request, context))
                    return try codesPage(codes, request, context)
                }
            },
        ]
    }

    /// A step that asks for the password.
    private func step(
        _ path: String,
        _ operationID: String,
        _ summary: String,
        _ form: Form,
        _ work: @escaping @Sendable (Caller, PlatformContext) async throws -> Response
    ) -> Endpoint {
        Endpoint(
            .post,
            "/account/second-factor\(path)",
            .page,
            operationID,
            summary,
            tag: "Second factor",
            access: .signedIn,
            rateLimit: .signIn,
            body: Self.formBody(AccountSchemas.passwordOnly),
            statementBudget: 26
        ) { request, context in
            try await answer(request, context) {
                try await secondFactorPage(request, context, form, $0)
            } work: {
                try await work(Caller(request, context), context)
            }
        }
    }

    private func secondFactorPage(
        _ request: Request,
        _ context: PlatformContext,
        _ refused: Form? = nil,
        _ problem: Problem? = nil
    ) async throws -> Response {
        let state = try await secondFactor.state(for: Caller(request, context))
        let isOn = state.confirmedAt != nil
        func shown(_ form: Form) -> Form { self.form(form, context, form.id == refused?.id ? problem : nil) }
        let model = SecondFactorPage(
            isOn: isOn,
            enrolledAt: state.confirmedAt.map { Moment($0) },
            codesLeft: isOn ? state.codesLeft : nil,
            start: isOn ? nil : shown(Self.startForm),
            enrolment: state.enrolment.map {
                SecondFactorPage.Enrolment(
                    secret: Secret(
                        "totp",
                        label: "Key",
                        hint: "Or copy it by hand: the blanks do not matter.",
                        lines: [$0.secret]
                    ),
                    uri: $0.uri,
                    form: shown(Self.enrolmentForm)
                )
            },
            newCodes: isOn ? shown(Self.newCodesForm) : nil,
            disable: isOn ? shown(Self.disableForm) : nil
        )
        return try accountPage("account-second-factor", "Second factor", model, request, context)
    }

    private func codesPage(_ codes: [String], _ request: Request, _ context: PlatformContext) throws -> Response {
        let secret = Secret(
            "codes",
            label: "Recovery codes",
            hint: "Print them or keep them with your passwords.",
            lines: codes
        )
        return try accountPage(
            "account-recovery-codes",
            "Recovery codes",
            RecoveryCodesPage(codes: secret),
            request,
            context
        )
    }

    /// Sessions, as pages.
    var sessionPages: [Endpoint] {
        [
            Endpoint(
                .get,
                "/account/sessions",
                .page,
                "sessionsPage",
                "The page of the sessions",
                tag: "Sessions",
                access: .signedIn
            ) { request, context in
                let rows = try await sessions.list(for: Caller(request, context))
                let model = SessionsPage(
                    sessions: Self.table(of: rows, current: context.session?.publicID),
                    revokeOthers: rows.count < 2
                        ? nil : ActionButton("Sign out everywhere else", action: "/account/sessions/end-others"),
                    revokeAll: nil
                )
                return try accountPage("account-sessions", "Sessions", model, request, context)
            },
            Endpoint(
                .post,
                "/account/sessions/end-others",
                .page,
                "endOtherSessionsForm",
                "Ends the other sessions",
                tag: "Sessions",
                access: .signedIn,
                statementBudget: 8
            ) { request, context in
                try await sessions.endAll(by: Caller(request, context), exceptPresent: true)
                let flash = Flash(.success, "Your other sessions have ended.")
                return .seeOther("/account/sessions", saying: flash, context)
            },
            Endpoint(
                .post,
                "/account/sessions/{id}/end",
                .page,
                "endSessionForm",
                "Ends a session",
                tag: "Sessions",
                access: .signedIn,
                parameters: [.path("id", .text(format: .publicID("ses_")))],
                statementBudget: 8
            ) { request, context in
                try await sessions.end(try context.parameter("id"), by: Caller(request, context))
                return .seeOther("/account/sessions", saying: Flash(.success, "The session has ended."), context)
            },
        ]
    }

    private static func table(of rows: [SessionRow], current: String?) -> Table {
        Table(
            "Where you are signed in",
            columns: ["Browser", "Network", "Signed in", "Last seen", "Action"],
            rows: rows.map { row in
                [
                    .foreign(row.agent.isEmpty ? "Unknown" : row.agent), .text(row.network),
                    .time(Moment(row.createdAt)), .time(Moment(row.lastSeenAt)),
                    row.publicID == current
                        ? .badge(Badge("this one", .good))
                        : .actions([
                            ActionButton(
                                "Sign out",
                                action: "/account/sessions/\(row.publicID)/end",
                                subject: row.agent
                            )
                        ]),
                ]
            },
            empty: EmptyState("No sessions", "You are not signed in anywhere.")
        )
    }
}
