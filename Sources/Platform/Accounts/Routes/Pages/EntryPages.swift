internal import HTTPTypes
internal import Hummingbird
internal import Kernel
internal import Web

extension AccountsModule {
    private static let signUpForm = Form(
        "sign-up",
        action: "/sign-up",
        submit: "Sign up",
        inputs: [emailInput, handleInput, nameInput, newPasswordInput()]
    )
    private static func signInForm(next: String) -> Form {
        Form(
            "sign-in",
            action: "/sign-in",
            submit: "Sign in",
            inputs: [emailInput, passwordInput, hidden("next", next)]
        )
    }
    private static func secondStepForm(challenge: String, next: String) -> Form {
        Form(
            "second-step",
            action: "/sign-in/second-step",
            submit: "Sign in",
            inputs: [codeInput, hidden("challenge", challenge), hidden("next", next)]
        )
    }
    private static let next = Schema.Property.optional("next", .text(0...2048))

    /// Signing up, in and out, as pages.
    var entryPages: [Endpoint] {
        [
            Endpoint(.get, "/sign-up", .page, "signUpPage", "The page to sign up", tag: "Accounts", access: .visitor) {
                try page("sign-up", "Sign up", Self.signUpForm, $0, $1)
            },
            Endpoint(
                .post,
                "/sign-up",
                .page,
                "signUpForm",
                "Signs up",
                tag: "Accounts",
                access: .visitor,
                rateLimit: .signUp,
                body: Self.formBody(AccountSchemas.signUp),
                statementBudget: 14
            ) { request, context in
                try await answer(request, context) {
                    try page("sign-up", "Sign up", Self.signUpForm, request, context, $0)
                } work: {
                    try await signUps.signUp(try context.decodeBody(SignUp.self), by: Caller(request, context))
                    return try notice("Look at your mail", Self.signUpAnswer, request, context)
                }
            },
            Endpoint(
                .get,
                "/sign-in",
                .page,
                "signInPage",
                "The page to sign in",
                tag: "Sessions",
                access: .visitor,
                parameters: [.query("next", .text(0...2048))]
            ) { request, context in
                let next = context.query["next"]?.text ?? ""
                return try page("sign-in", "Sign in", Self.signInForm(next: next), request, context)
            },
            Endpoint(
                .post,
                "/sign-in",
                .page,
                "signInForm",
                "Signs in",
                tag: "Sessions",
                access: .visitor,
                rateLimit: .signIn,
                body: Self.formBody(AccountSchemas.signIn, [Self.next]),
                statementBudget: 34
            ) { request, context in
                let next = context.bodyFields["next"] ?? ""
                return try await answer(request, context) {
                    try page("sign-in", "Sign in", Self.signInForm(next: next), request, context, $0)
                } work: {
                    switch try await signIns.signIn(try context.decodeBody(SignIn.self), by: Caller(request, context)) {
                    case .signedIn(let session): return Response.seeOther(next).starting(session, context)
                    case .secondFactor(let challenge):
                        let form = Self.secondStepForm(challenge: challenge.text, next: next)
                        return try page("sign-in-second-factor", "Second factor", form, request, context)
                    }
                }
            },
            Endpoint(
                .post,
                "/sign-in/second-step",
                .page,
                "secondStepForm",
                "Signs in with the second factor",
                tag: "Sessions",
                access: .visitor,
                rateLimit: .signIn,
                body: Self.formBody(AccountSchemas.secondStep, [Self.next, Self.tokenProperty("challenge")]),
                statementBudget: 34
            ) { request, context in
                let next = context.bodyFields["next"] ?? ""
                return try await answer(request, context) {
                    let form = Self.secondStepForm(challenge: "", next: next)
                    return try page("sign-in-second-factor", "Second factor", form, request, context, $0)
                } work: {
                    let step = try context.decodeBody(SecondStep.self)
                    let caller = Caller(request, context)
                    let session = try await signIns.signIn(challenge: step.challenge, code: step.code, by: caller)
                    return Response.seeOther(next).starting(session, context)
                }
            },
            Endpoint(
                .post,
                "/sign-out",
                .page,
                "signOutForm",
                "Signs out",
                tag: "Sessions",
                access: .signedIn,
                statementBudget: 8
            ) { request, context in
                try await signIns.signOut(Caller(request, context))
                return Response.seeOther("/").endingSession(context)
            },
        ]
    }
}
