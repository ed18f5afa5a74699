internal import HTTPTypes
internal import Hummingbird
internal import Kernel
internal import Web

/// The pages that links in mails lead to. Opening one changes nothing, since mail programs open links by themselves: what
/// it is for happens when the button on it is pressed.
extension AccountsModule {
    private static let resetRequestForm = Form(
        "reset",
        action: "/password/reset",
        submit: "Send the link",
        inputs: [emailInput]
    )
    private static func resetForm(_ token: String) -> Form {
        Form(
            "new-password",
            action: "/password/reset/completion",
            submit: "Set the password",
            inputs: [newPasswordInput("New password"), hidden("token", token)]
        )
    }
    private static func confirmationForm(_ token: String, handle: String) -> Form {
        var handleInput = Self.handleInput
        handleInput.values = [handle]
        return Form(
            "confirm",
            action: "/confirm-email",
            submit: "Confirm and sign in",
            inputs: [handleInput, passwordInput, hidden("token", token)]
        )
    }
    private static func firstAccountForm(_ token: String) -> Form {
        Form(
            "first-account",
            action: "/first-account",
            submit: "Make the account",
            inputs: [emailInput, handleInput, nameInput, newPasswordInput(), hidden("token", token)]
        )
    }
    /// New passwords by mail, as pages.
    var resetPages: [Endpoint] {
        [
            Endpoint(
                .get,
                "/password/reset",
                .page,
                "resetPage",
                "The page to ask for a new password",
                tag: "Accounts",
                access: .everyone
            ) { try page("password-reset-request", "Reset your password", Self.resetRequestForm, $0, $1) },
            Endpoint(
                .post,
                "/password/reset",
                .page,
                "resetRequestForm",
                "Asks for a new password",
                tag: "Accounts",
                access: .everyone,
                rateLimit: .reset,
                body: Self.formBody(AccountSchemas.resetRequest),
                statementBudget: 10
            ) { request, context in
                try await answer(request, context) {
                    try page(
                        "password-reset-request",
                        "Reset your password",
                        Self.resetRequestForm,
                        request,
                        context,
                        $0
                    )
                } work: {
                    let email = try context.decodeBody(EmailOnly.self).email
                    try await passwords.requestReset(email, by: Caller(request, context))
                    return try notice("Look at your mail", Self.resetAnswer, request, context)
                }
            },
            Endpoint(
                .get,
                "/password/reset/{token}",
                .page,
                "resetLinkPage",
                "The page of a link to a new password",
                tag: "Accounts",
                access: .everyone,
                parameters: Self.tokenParameter
            ) { request, context in
                let token = try context.parameter("token")
                guard try await passwords.isResetLink(token, now: context.now) else {
                    return try spentLink(request, context)
                }
                return try page(
                    "password-reset-confirm",
                    "Choose a new password",
                    Self.resetForm(token),
                    request,
                    context
                )
            },
            Endpoint(
                .post,
                "/password/reset/completion",
                .page,
                "resetForm",
                "Sets a new password",
                tag: "Accounts",
                access: .everyone,
                rateLimit: .signIn,
                body: Self.formBody(AccountSchemas.reset, [Self.tokenProperty()]),
                statementBudget: 30
            ) { request, context in
                try await answer(request, context) {
                    try page(
                        "password-reset-confirm",
                        "Choose a new password",
                        Self.resetForm(""),
                        request,
                        context,
                        $0
                    )
                } work: {
                    let body = try context.decodeBody(PasswordReset.self)
                    let caller = Caller(request, context)
                    let device = try await passwords.reset(token: body.token, password: body.password, by: caller)
                    let flash = Flash(.success, "Your password is changed. Sign in with it.")
                    return Response.seeOther("/sign-in", saying: flash, context).knowing(device, context)
                }
            },
        ]
    }

    /// Confirmations of addresses, as pages.
    var confirmationPages: [Endpoint] {
        [
            Endpoint(
                .get,
                "/confirm-email/{token}",
                .page,
                "confirmPage",
                "The page of a confirmation link",
                tag: "Accounts",
                access: .everyone,
                parameters: Self.tokenParameter
            ) { request, context in
                let token = try context.parameter("token")
                return try await answer(request, context) { _ in
                    try spentLink(request, context)
                } work: {
                    let pending = try await signUps.pending(token, now: context.now)
                    let form = Self.confirmationForm(token, handle: pending.handle)
                    return try confirmPage(pending.email, form, request, context)
                }
            },
            Endpoint(
                .post,
                "/confirm-email",
                .page,
                "confirmForm",
                "Makes the account of a link",
                tag: "Accounts",
                access: .everyone,
                rateLimit: .signIn,
                body: Self.formBody(AccountSchemas.confirmation, [Self.tokenProperty()]),
                statementBudget: 28
            ) { request, context in
                try await answer(request, context) { problem in
                    // Gone in the meantime, it is a link that does not work.
                    guard let pending = try? await signUps.pending(context.bodyFields["token"] ?? "", now: context.now)
                    else { return try spentLink(request, context) }
                    let form = self.form(Self.confirmationForm("", handle: ""), context, problem)
                    return try confirmPage(pending.email, form, request, context)
                } work: {
                    let body = try context.decodeBody(Confirmation.self)
                    let session = try await signUps.confirm(body, by: Caller(request, context))
                    let flash = Flash(.success, "Welcome! Your address is confirmed.")
                    return Response.seeOther("/", saying: flash, context).starting(session, context)
                }
            },
            Endpoint(
                .get,
                "/confirm-new-email/{token}",
                .page,
                "confirmNewEmailPage",
                "The page of a link to another address",
                tag: "Accounts",
                access: .everyone,
                parameters: Self.tokenParameter
            ) { request, context in
                let token = try context.parameter("token")
                return try await answer(request, context) { _ in
                    try spentLink(request, context)
                } work: {
                    let email = try await emails.address(of: token, now: context.now)
                    let form = Form(
                        "confirm",
                        action: "/confirm-new-email",
                        submit: "Confirm",
                        inputs: [Self.hidden("token", token)]
                    )
                    return try confirmPage(email, form, request, context)
                }
            },
            Endpoint(
                .post,
                "/confirm-new-email",
                .page,
                "confirmNewEmailForm",
                "Makes an address the account's",
                tag: "Accounts",
                access: .everyone,
                rateLimit: .signIn,
                body: Self.formBody(AccountSchemas.tokenOnly, [Self.tokenProperty()]),
                statementBudget: 18
            ) { request, context in
                try await answer(request, context) { _ in
                    try spentLink(request, context)
                } work: {
                    let token = try context.decodeBody(TokenOnly.self).token
                    try await emails.confirm(token: token, by: Caller(request, context))
                    return try notice(
                        "Your address is changed",
                        "From now on, sign in with the new one.",
                        action: Link("To the first page", "/"),
                        request,
                        context
                    )
                }
            },
        ]
    }

    private func confirmPage(
        _ email: String,
        _ form: Form,
        _ request: Request,
        _ context: PlatformContext
    ) throws -> Response {
        let model = EmailFormPage(email: email, form: form)
        let head = PageHead("Confirm your e-mail")
        return try pages.render("email-confirm", model, head: head, request: request, context: context)
    }

    /// The first account, as a page.
    var firstAccountPages: [Endpoint] {
        [
            Endpoint(
                .get,
                "/first-account/{token}",
                .page,
                "firstAccountPage",
                "The page to make the first account",
                tag: "Accounts",
                access: .everyone,
                parameters: Self.tokenParameter
            ) { request, context in
                let token = try context.parameter("token")
                guard try await signUps.isFirstAccountLink(token, now: context.now) else {
                    return try spentLink(request, context)
                }
                return try page(
                    "first-account",
                    "Make the first account",
                    Self.firstAccountForm(token),
                    request,
                    context
                )
            },
            Endpoint(
                .post,
                "/first-account",
                .page,
                "firstAccountForm",
                "Makes the first account",
                tag: "Accounts",
                access: .everyone,
                rateLimit: .signIn,
                body: Self.formBody(AccountSchemas.signUp, [Self.tokenProperty()]),
                statementBudget: 30
            ) { request, context in
                try await answer(request, context) {
                    try page("first-account", "Make the first account", Self.firstAccountForm(""), request, context, $0)
                } work: {
                    let body = try context.decodeBody(SignUp.self)
                    let caller = Caller(request, context)
                    let session = try await signUps.makeFirstAccount(
                        body,
                        token: context.bodyFields["token"] ?? "",
                        by: caller
                    )
                    let flash = Flash(.success, "Welcome! You are the first administrator.")
                    return Response.seeOther("/", saying: flash, context).starting(session, context)
                }
            },
        ]
    }
}
