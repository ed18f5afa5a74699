@testable import Web

extension Samples {
    private static let code = QRCode("otpauth://totp/Lyceum:ada?secret=JBSWY3DPEHPK3PXP&issuer=Lyceum")

    var site: [Sample] {
        let lives = [
            HomePage.Live(name: word, title: "Analysis I: \(word)", path: "/watch/analysis", viewers: 41),
            HomePage.Live(
                name: "chemie",
                title: "Organic chemistry, a lesson with a title that does not end soon",
                path: "/watch/b"
            ),
        ]
        return [
            Sample(
                name: "home-visitor",
                template: "home",
                model: HomePage(greeting: nil, lives: []),
                head: PageHead("Home"),
                isVisitor: true
            ),
            Sample(
                name: "home-member",
                template: "home",
                model: HomePage(greeting: word, lives: lives),
                head: PageHead("Home")
            ),
            Sample(
                name: "notice",
                template: "notice",
                model: Notice(
                    "A mail is on its way",
                    "Open the link in it to go on. \(word)",
                    action: Link("To the first page", "/")
                ),
                head: PageHead("Mail sent"),
                isVisitor: true
            ),
        ]
    }

    var signingIn: [Sample] {
        let email = input("email", "E-mail", .line(type: "email"))
        let password = input("password", "Password", .password)
        let code = Input("code", "Code", .code, hint: "Six digits.", autocomplete: "one-time-code", isRequired: true)
        let signUp = form(
            "sign-up",
            "Make the account",
            [
                input("email", "E-mail", .line(type: "email"), error: true), input("handle", "Handle"),
                Input("displayName", "Name", maximumLength: 80, values: [word]),
                input("password", "Password", .password),
            ]
        )
        let refused = signUp.refused([
            .init(field: "email", message: "E-mail is already in use: \(word)"),
            .init(field: "password", message: "Password must have at least 8 characters"),
            .init(field: nil, message: "Something about all of it: \(word)"),
        ])
        return [
            sample(
                "first-account",
                "Make the first account",
                path: "/first-account/x",
                isVisitor: true,
                ["form": signUp.refused([Form.Complaint]())]
            ),
            sample("sign-up", "Sign up", path: "/sign-up", isVisitor: true, ["form": refused]),
            sample(
                "sign-in",
                "Sign in",
                path: "/sign-in",
                isVisitor: true,
                ["form": form("sign-in", "Sign in", [email, password, input("next", "", .hidden)])]
            ),
            sample(
                "sign-in-second-factor",
                "Enter your code",
                path: "/sign-in/second-factor",
                isVisitor: true,
                ["form": form("second", "Sign in", [code])]
            ),
            sample(
                "password-reset-request",
                "Reset your password",
                path: "/password/reset",
                isVisitor: true,
                ["form": form("reset", "Send the link", [email])]
            ),
            sample(
                "password-reset-confirm",
                "Choose a new password",
                path: "/password/reset/x",
                isVisitor: true,
                ["form": form("choose", "Set the password", [password])]
            ),
            sample(
                "email-confirm",
                "Confirm your e-mail",
                path: "/email/confirm",
                isVisitor: true,
                ["email": word, "form": form("confirm", "Confirm", [input("token", "", .hidden)])]
            ),
        ]
    }

    var account: [Sample] {
        let password = input("current", "Current password", .password)
        let out = ActionButton(
            "Sign out",
            action: "/account/sessions/ses_1/revoke",
            subject: word,
            values: [("name", word)],
            confirmation: "End \(word)?"
        )
        let sessions = table(
            "Sessions",
            ["Browser", "Address", "Signed in", "Last seen", "State"],
            [
                .foreign("Firefox on Linux \(word)", detail: word), .text("2001:db8::17"), .time(when), .time(when),
                .actions([out]),
            ]
        )
        let tokens = table(
            "API tokens",
            ["Name", "Begins with", "Scopes", "Expires", "Last used", "Action"],
            [
                .foreign(word), .code("pat_7Hq2"), .badges([Badge("account:read"), Badge("account:write")]),
                .time(when),
                .none("never"),
                .actions([ActionButton("Revoke", action: "/r", subject: word, confirmation: "Revoke it?")]),
            ]
        )
        let making = form(
            "token",
            "Make the token",
            [
                input("name", "Name"),
                Input(
                    "scopes",
                    "Scopes",
                    .checkboxes([
                        .init("account:read", "Read the account", hint: "Profile, sessions."),
                        .init("account:write", "Change the account"),
                    ]),
                    hint: "As few as will do.",
                    isRequired: true,
                    values: ["account:read"]
                ),
                input("expiry", "Expires", .select([.init("30", "In 30 days"), .init("365", "In a year")])),
            ]
        ).refused([.init(field: "scopes", message: "Scopes must have at least one: \(word)")])
        return [
            sample(
                "account-profile",
                "Profile",
                area: .account,
                path: "/account/profile",
                [
                    "avatarPath": "/avatars/acc_1.png", "publicPath": "/u/ada",
                    "profile": form(
                        "profile",
                        "Save",
                        [
                            Input("displayName", "Name", values: [word]), input("handle", "Handle"),
                            Input(
                                "bio",
                                "About you",
                                .text(rows: 4),
                                hint: "Plain text.",
                                values: ["\(word)\nsecond line"]
                            ),
                        ]
                    ),
                    "avatar": form(
                        "avatar",
                        "Upload",
                        [
                            Input(
                                "avatar",
                                "Picture",
                                .file(accept: "image/png,image/jpeg"),
                                hint: "PNG or JPEG, at most 2 MB.",
                                isRequired: true
                            )
                        ]
                    ),
                    "removeAvatar": ActionButton("Remove the picture", action: "/account/avatar/remove"),
                ]
            ),
            sample(
                "account-password",
                "Password",
                area: .account,
                path: "/account/password",
                [
                    "form": form(
                        "password",
                        "Change the password",
                        [password, input("password", "New password", .password)]
                    )
                ]
            ),
            sample(
                "account-email",
                "E-mail",
                area: .account,
                path: "/account/email",
                [
                    "email": word, "isConfirmed": false, "pending": word,
                    "resend": ActionButton("Send the link again", action: "/r"),
                    "form": form(
                        "email",
                        "Change the address",
                        [input("email", "New e-mail", .line(type: "email")), password]
                    ),
                ]
            ),
            sample(
                "account-sessions",
                "Sessions",
                area: .account,
                path: "/account/sessions",
                [
                    "sessions": sessions,
                    "revokeOthers": ActionButton(
                        "Sign out everywhere else",
                        action: "/o",
                        confirmation: "Sign out everywhere else?"
                    ),
                    "revokeAll": ActionButton("Sign out everywhere", action: "/a", confirmation: "Sign out here too?"),
                ]
            ),
            sample(
                "account-tokens",
                "API tokens",
                area: .account,
                path: "/account/tokens",
                [
                    "created": Secret(
                        "new-token",
                        label: "Your new token",
                        hint: "Copy it now: it is not shown again.",
                        lines: ["pat_7Hq2mJp0VtX4sK9dLw3RbN8cYz1GfQ6u"]
                    ),
                    "tokens": tokens, "form": making,
                ]
            ),
            sample(
                "account-tokens-empty",
                of: "account-tokens",
                "API tokens",
                area: .account,
                path: "/account/tokens",
                [
                    "created": String?.none, "form": making.refused([Form.Complaint]()),
                    "tokens": nothing(
                        "API tokens",
                        "You have no tokens",
                        "Programs that act for you are listed here.",
                        Link("Make a token", "#token")
                    ),
                ]
            ),
            sample(
                "account-data",
                "Your data",
                area: .account,
                path: "/account/data",
                [
                    "export": ActionButton("Make the file", action: "/e"), "exportPath": "/account/data/file",
                    "exportMadeAt": when,
                    "delete": form(
                        "delete",
                        "Delete my account",
                        [password, input("confirmation", "Your handle, once more")],
                        isDangerous: true
                    ),
                ]
            ),
        ]
    }

    var secondFactor: [Sample] {
        let password = input("password", "Password", .password)
        let code = Input("code", "Code", .code, autocomplete: "one-time-code", isRequired: true)
        let codes = Secret(
            "codes",
            label: "Your recovery codes",
            hint: "Print them, or keep them where your passwords are.",
            lines: (1...10).map { "k7m2-9xq\($0)-p4wd" }
        )
        let none: [String: any Sendable] = [
            "isOn": false, "enrolledAt": Moment?.none, "codesLeft": Int?.none, "start": Form?.none,
            "enrolment": Form?.none,
            "newCodes": Form?.none, "disable": Form?.none,
        ]
        func page(_ name: String, _ model: [String: any Sendable]) -> Sample {
            sample(
                name,
                of: "account-second-factor",
                "Second factor",
                area: .account,
                path: "/account/second-factor",
                none.merging(model) { $1 }
            )
        }
        return [
            page("account-second-factor-off", ["start": form("start", "Set it up", [password])]),
            page(
                "account-second-factor-enrolling",
                [
                    "enrolment": Fields([
                        "qr": Self.code,
                        "uri": "otpauth://totp/Lyceum:ada?secret=JBSWY3DPEHPK3PXP&issuer=Lyceum",
                        "secret": Secret(
                            "key",
                            label: "Key",
                            hint: "Time based, six digits, every 30 seconds.",
                            lines: ["JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP"]
                        ),
                        "form": form("enrol", "Turn it on", [code]),
                    ])
                ]
            ),
            page(
                "account-second-factor-on",
                [
                    "isOn": true, "enrolledAt": when, "codesLeft": 8,
                    "newCodes": form("codes", "Make new codes", [password]),
                    "disable": form("disable", "Turn it off", [password, code], isDangerous: true),
                ]
            ),
            sample(
                "account-recovery-codes",
                "Recovery codes",
                area: .account,
                path: "/account/second-factor/codes",
                ["codes": codes]
            ),
        ]
    }
}
