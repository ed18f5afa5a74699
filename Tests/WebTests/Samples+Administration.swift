@testable import Web

extension Samples {
    private func search(_ inputs: [Input]) -> Form {
        Form("search", action: "/admin/here", submit: "Search", inputs: inputs, isSearch: true)
    }

    private func admin(
        _ name: String,
        _ title: String,
        path: String,
        scripts: [String] = [],
        _ model: [String: any Sendable]
    ) -> Sample {
        sample(name, title, area: .administration, path: path, scripts: scripts, model)
    }

    var administration: [Sample] { people + work + running }

    private var people: [Sample] {
        let any = Input.Option("", "Any")
        let users = table(
            "Users",
            ["Name", "Handle", "Roles", "State", "Joined", "Last seen"],
            [
                .link(word, "/admin/users/acc_1", detail: "\(word)@example.org"), .foreign(word),
                .badges([Badge("admin", .warning), Badge("instructor")]), .badge(Badge("active", .good)), .time(when),
                .time(when),
            ]
        )
        let audit = table(
            "What was done",
            ["When", "Who", "What", "On", "Details"],
            [
                .time(when), .link(word, "/admin/users/acc_1"), .code("account.disable"),
                .code("acc_7Hq2mJp0VtX4sK9dLw3RbN"), .foreign(word),
            ]
        )
        return [
            admin(
                "admin-users",
                "Users",
                path: "/admin/users?q=a",
                [
                    "search": search([
                        Input("q", "Name, handle or e-mail", .line(type: "search"), values: [word]),
                        Input("role", "Role", .select([any, .init("admin", "Admin")])),
                        Input("state", "State", .select([any])),
                    ]),
                    "users": users,
                ]
            ),
            admin(
                "admin-user",
                "User ada",
                path: "/admin/users/acc_1",
                [
                    "name": word,
                    "facts": Facts([
                        ("Public id", .code("acc_7Hq2mJp0VtX4sK9dLw3RbN")), ("E-mail", .foreign(word)),
                        ("State", .badge(Badge("disabled", .bad))), ("Joined", .time(when)),
                    ]),
                    "roles": form(
                        "roles",
                        "Save the roles",
                        [
                            Input(
                                "roles",
                                "Roles",
                                .checkboxes([
                                    .init("instructor", "Instructor", hint: "Makes courses."),
                                    .init("admin", "Admin", hint: "Runs the site."),
                                ]),
                                values: ["admin"]
                            )
                        ]
                    ),
                    "actions": [
                        ActionButton("Sign out everywhere", action: "/s"),
                        ActionButton("Disable", action: "/d", subject: word, confirmation: "Disable \(word)?"),
                    ],
                    "sessions": nothing("Sessions", "No sessions", "This person is signed in nowhere.", nil),
                    "audit": audit,
                ]
            ),
            admin(
                "admin-audit",
                "Audit",
                path: "/admin/audit",
                [
                    "search": search([
                        Input("actor", "Who", values: [word]), Input("action", "What"),
                        Input("from", "From", .line(type: "date")), Input("to", "To", .line(type: "date")),
                    ]),
                    "entries": audit,
                ]
            ),
        ]
    }

    private var work: [Sample] {
        let again = ActionButton("Try again", action: "/t", subject: "job_1")
        let gone = ActionButton("Delete", action: "/d", subject: "job_1", confirmation: "Delete it?")
        let half = Progress("Export of \(word)", fraction: 0.42)
        return [
            admin(
                "admin-jobs",
                "Jobs",
                path: "/admin/jobs",
                [
                    "counts": Facts([("Waiting", .text("12")), ("Running", .text("2")), ("Dead", .text("1"))]),
                    "search": search([Input("kind", "Kind"), Input("state", "State", .select([.init("", "Any")]))]),
                    "jobs": table(
                        "Jobs",
                        ["Job", "State", "Progress", "Attempts", "Next run"],
                        [
                            .link("job_7Hq2mJp0VtX4sK9dLw3RbN", "/admin/jobs/job_1", detail: "account.export"),
                            .badge(Badge("running", .good)), .progress(half), .text("1 of 5"), .time(when),
                        ]
                    ),
                ]
            ),
            admin(
                "admin-job",
                "Job job_1",
                path: "/admin/jobs/job_1",
                scripts: ["progress.js"],
                [
                    "title": "account.export",
                    "facts": Facts([
                        ("Public id", .code("job_7Hq2mJp0VtX4sK9dLw3RbN")),
                        ("Progress", .progress(Progress("Export", fraction: 0.42, stream: "/admin/jobs/job_1/events"))),
                        ("Queued", .time(when)),
                    ]),
                    "actions": [again, gone], "error": "connection refused: \(word)",
                    "payload": "{\"account\": \"\(word)\"}",
                ]
            ),
            admin(
                "admin-dead-letters",
                "Dead letters",
                path: "/admin/dead-letters",
                [
                    "letters": table(
                        "Dead letters",
                        ["Job", "Error", "Attempts", "Failed", "Action"],
                        [
                            .link("job_7Hq2mJp0VtX4sK9dLw3RbN", "/admin/jobs/job_1", detail: "mail.send"),
                            .foreign("smtp: 451 \(word)"), .text("5"), .time(when), .actions([again, gone]),
                        ]
                    ),
                    "retryAll": ActionButton("Try all again", action: "/all"),
                ]
            ),
        ]
    }

    private var running: [Sample] {
        let flags = table(
            "Flags",
            ["Flag", "What it is", "State", "Roles", "Action"],
            [
                .code("LYCEUM_COURSES"), .text("Courses and lessons."), .badge(Badge("off")),
                .badges([Badge("instructor")]),
                .actions([ActionButton("Turn on", action: "/f", subject: "LYCEUM_COURSES")]),
            ]
        )
        return [
            admin(
                "admin-flags",
                "Flags",
                path: "/admin/flags",
                [
                    "flags": flags,
                    "form": form(
                        "flag",
                        "Set the flag",
                        [
                            input("name", "Flag", .select([.init("courses", "Courses")])),
                            Input(
                                "state",
                                "State",
                                .radios([.init("on", "On"), .init("off", "Off")]),
                                isRequired: true,
                                values: ["off"]
                            ),
                        ]
                    ),
                ]
            ),
            admin(
                "admin-health",
                "Health",
                path: "/admin/health",
                [
                    "isHealthy": false, "summary": "The mail server cannot be reached.",
                    "checks": table(
                        "Parts",
                        ["Part", "State", "Detail", "Since"],
                        [.text("Mail"), .badge(Badge("not reached", .bad)), .foreign(word), .time(when)]
                    ),
                    "facts": Facts([
                        ("Version", .code("0.9.0")), ("Uptime", .text("3 days")),
                        ("Connections in use", .text("2 of 10")),
                    ]),
                ]
            ),
        ]
    }
}
