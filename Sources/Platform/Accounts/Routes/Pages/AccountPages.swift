internal import HTTPTypes
internal import Hummingbird
internal import Kernel
internal import Web

/// The page of one's profile.
struct ProfilePage: ViewModel {
    let avatarPath: String?
    let publicPath: String?
    let profile: Form
    let avatar: Form
    let removeAvatar: ActionButton?
}

/// The page of one's address.
struct EmailPage: ViewModel {
    let email: String
    /// Always: an account is made when its address is confirmed.
    let isConfirmed: Bool
    let pending: String?
    let resend: ActionButton?
    let form: Form
}

extension AccountsModule {
    private static let profileForm = Form(
        "profile",
        action: "/account/profile",
        submit: "Save",
        inputs: [
            nameInput, handleInput,
            Input("about", "About you", .text(rows: 5), maximumLength: ProfileText.maximumAbout), hidden("version", ""),
        ]
    )
    private static let avatarForm = Form(
        "avatar",
        action: "/account/avatar",
        submit: "Use this picture",
        inputs: [
            Input(
                "file",
                "Picture",
                .file(accept: "image/png,image/jpeg,image/webp"),
                hint: "PNG, JPEG or WebP, 1 MiB at most.",
                isRequired: true
            )
        ]
    )
    private static let emailForm = Form(
        "email",
        action: "/account/email",
        submit: "Change the address",
        inputs: [
            Input(
                "email",
                "New e-mail",
                .line(type: "email"),
                autocomplete: "email",
                isRequired: true,
                maximumLength: EmailAddress.maximumLength
            ), passwordInput,
        ]
    )
    private static let passwordForm = Form(
        "password",
        action: "/account/password",
        submit: "Change the password",
        inputs: [
            Input(
                "current_password",
                "Present password",
                .password,
                autocomplete: "current-password",
                isRequired: true
            ),
            newPasswordInput("New password"),
        ]
    )

    /// The profile and its picture, as pages.
    var profilePages: [Endpoint] {
        [
            Endpoint(.get, "/account", .page, "accountPage", "The account", tag: "Account", access: .signedIn) { _, _ in
                .seeOther("/account/profile")
            },
            Endpoint(
                .get,
                "/account/profile",
                .page,
                "profilePage",
                "The page of the profile",
                tag: "Account",
                access: .signedIn
            ) { try await profilePage($0, $1) },
            Endpoint(
                .post,
                "/account/profile",
                .page,
                "profileForm",
                "Changes the profile",
                tag: "Account",
                access: .signedIn,
                body: Self.formBody(
                    .object([
                        .required("handle", .text(format: .handle)),
                        .required("display_name", AccountSchemas.displayName),
                        .required("about", .text(0...ProfileText.maximumAbout).multiline()),
                        .required("version", .integer(1...Int(Int32.max))),
                    ])
                ),
                statementBudget: 14
            ) { request, context in
                try await answer(request, context) {
                    try await profilePage(request, context, profile: $0)
                } work: {
                    let patch = try context.decodeBody(ProfilePatch.self)
                    let version = context.bodyFields["version"] ?? ""
                    _ = try await profiles.update(patch, by: Caller(request, context)) { current in
                        guard current.text != "\"v\(version)\"" else { return }
                        throw Problem(
                            .conflict,
                            code: "version_mismatch",
                            detail: "This was changed in the meantime. Load the page again before you change it."
                        )
                    }
                    return .seeOther("/account/profile", saying: Flash(.success, "Saved."), context)
                }
            },
            Endpoint(
                .post,
                "/account/avatar",
                .page,
                "avatarForm",
                "Sets the picture",
                tag: "Account",
                access: .signedIn,
                rateLimit: .media,
                body: .upload(.object([]), maximum: ProfileService.maximumBytes),
                statementBudget: 20
            ) { request, context in
                try await answer(request, context) {
                    try await profilePage(request, context, avatar: $0)
                } work: {
                    guard let upload = context.upload, !upload.bytes.isEmpty else {
                        throw Problem.invalid([
                            FieldError(pointer: "/file", code: "required", detail: "must be chosen first")
                        ])
                    }
                    _ = try await profiles.setAvatar(upload.bytes, by: Caller(request, context))
                    return .seeOther("/account/profile", saying: Flash(.success, "This is your picture now."), context)
                }
            },
            Endpoint(
                .post,
                "/account/avatar/removal",
                .page,
                "removeAvatarForm",
                "Takes the picture away",
                tag: "Account",
                access: .signedIn,
                statementBudget: 14
            ) { request, context in
                _ = try await profiles.removeAvatar(by: Caller(request, context))
                return .seeOther("/account/profile", saying: Flash(.success, "The picture is gone."), context)
            },
        ]
    }

    private func profilePage(
        _ request: Request,
        _ context: PlatformContext,
        profile: Problem? = nil,
        avatar: Problem? = nil
    ) async throws -> Response {
        let view = try await profiles.profile(for: Caller(request, context))
        let stored = [
            "display_name": view.displayName, "handle": view.handle, "about": view.about,
            "version": String(view.version),
        ]
        let form =
            profile.map { Self.profileForm.again(context.bodyFields, $0) } ?? Self.profileForm.filled(with: stored)
        let model = ProfilePage(
            avatarPath: view.avatar,
            publicPath: nil,
            profile: form,
            avatar: avatar.map { Self.avatarForm.refused($0.atField("file").errors) } ?? Self.avatarForm,
            removeAvatar: view.avatar.map { _ in
                ActionButton("Remove", action: "/account/avatar/removal", subject: "your picture")
            }
        )
        return try accountPage("account-profile", "Profile", model, request, context)
    }

    /// Address and password, as pages.
    var credentialPages: [Endpoint] {
        [
            Endpoint(
                .get,
                "/account/email",
                .page,
                "emailPage",
                "The page of the address",
                tag: "Account",
                access: .signedIn
            ) {
                try await emailPage($0, $1)
            },
            Endpoint(
                .post,
                "/account/email",
                .page,
                "emailForm",
                "Asks for another address",
                tag: "Account",
                access: .signedIn,
                rateLimit: .reset,
                body: Self.formBody(AccountSchemas.emailChange),
                statementBudget: 28
            ) { request, context in
                try await answer(request, context) {
                    try await emailPage(request, context, $0)
                } work: {
                    let body = try context.decodeBody(EmailChange.self)
                    try await emails.requestChange(
                        to: body.email,
                        password: body.password,
                        by: Caller(request, context)
                    )
                    return .seeOther("/account/email", saying: Flash(.notice, Self.emailChangeAnswer), context)
                }
            },
            Endpoint(
                .get,
                "/account/password",
                .page,
                "passwordPage",
                "The page of the password",
                tag: "Account",
                access: .signedIn
            ) { try accountPage("account-password", "Password", FormPage(form: Self.passwordForm), $0, $1) },
            Endpoint(
                .post,
                "/account/password",
                .page,
                "passwordForm",
                "Changes the password",
                tag: "Account",
                access: .signedIn,
                rateLimit: .signIn,
                body: Self.formBody(AccountSchemas.passwordChange),
                statementBudget: 32
            ) { request, context in
                try await answer(request, context) {
                    let model = FormPage(form: form(Self.passwordForm, context, $0))
                    return try accountPage("account-password", "Password", model, request, context)
                } work: {
                    let body = try context.decodeBody(PasswordChange.self)
                    let caller = Caller(request, context)
                    let session = try await passwords.change(from: body.current, to: body.password, by: caller)
                    let flash = Flash(.success, "The password is changed. Your other sessions have ended.")
                    return Response.seeOther("/account/password", saying: flash, context).starting(session, context)
                }
            },
        ]
    }

    private func emailPage(
        _ request: Request,
        _ context: PlatformContext,
        _ problem: Problem? = nil
    ) async throws -> Response {
        let caller = Caller(request, context)
        let email = try await profiles.profile(for: caller).email
        let model = EmailPage(
            email: email,
            isConfirmed: true,
            pending: try await emails.pending(for: caller),
            resend: nil,
            form: form(Self.emailForm, context, problem)
        )
        return try accountPage("account-email", "E-mail", model, request, context)
    }
}

extension Problem {
    /// The same problem, said of one field of a form, whatever the API calls it.
    func atField(_ name: String) -> Problem {
        var copy = self
        let details = errors.isEmpty ? [(code, detail ?? title)] : errors.map { ($0.code, $0.detail) }
        copy.errors = details.map { FieldError(pointer: "/\(name)", code: $0.0, detail: $0.1) }
        return copy
    }
}
