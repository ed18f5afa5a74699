internal import Postgres
internal import HTTPTypes
internal import Hummingbird
internal import Kernel
internal import Web

extension AdministrationModule {
    /// Flags in the API.
    var flagEndpoints: [Endpoint] {
        [
            Endpoint(
                .get,
                "/api/v1/admin/flags",
                .api,
                "listFlags",
                "Lists the flags that have a rule",
                tag: Self.tag,
                access: Self.admins,
                scope: Self.reading,
                responses: [.ok(.object("Flags", [.required("data", .array(FlagDocument.schema, 0...1000))]))],
                statementBudget: 4
            ) { _, _ in try .json(["data": try await flags().map(FlagDocument.init)]) },
            Endpoint(
                .put,
                "/api/v1/admin/flags/{key}",
                .api,
                "setFlag",
                "Says whom a flag is on for",
                tag: Self.tag,
                access: Self.admins,
                scope: Self.writing,
                parameters: [Self.key],
                body: .json(RuleDocument.schema),
                responses: [.ok(FlagDocument.schema)],
                statementBudget: 12
            ) { _, context in
                let rule = try context.decodeBody(RuleDocument.self).rule
                guard let flag = try await set(rule, for: try context.parameter("key"), context) else {
                    throw Problem.notFound
                }
                return try .json(FlagDocument(flag), entityTag: EntityTag(version: flag.version))
            },
            Endpoint(
                .delete,
                "/api/v1/admin/flags/{key}",
                .api,
                "removeFlag",
                "Takes the rule of a flag away",
                tag: Self.tag,
                access: Self.admins,
                scope: Self.writing,
                parameters: [Self.key],
                responses: [.noContent],
                statementBudget: 12
            ) { _, context in
                try await set(nil, for: try context.parameter("key"), context)
                return .noContent
            },
        ]
    }

    private struct FlagsModel: ViewModel {
        let flags: Table
        let form: Form
    }

    /// What the form of a page sends.
    private struct Submission: Decodable {
        let name: String
        let state: RuleDocument.Word
        let roles: [String]?
        let percentage: Int?

        static let schema = Schema.object([
            .required("name", keySchema),
            .required("state", .word(["nobody", "everyone", "roles", "percentage"])),
            .optional("roles", .array(.word(Role.self), 0...Role.allCases.count)),
            .optional("percentage", .integer(0...100)),
        ])

        var rule: RuleDocument { RuleDocument(to: state, roles: roles ?? [], percentage: percentage) }
    }

    /// The page of the flags and its form.
    var flagPages: [Endpoint] {
        [
            page("/admin/flags", "flagsPage", "The flags") { request, context in
                try await flagsPage(Self.form, request, context)
            },
            Endpoint(
                .post,
                "/admin/flags",
                .page,
                "setFlagForm",
                "Says whom a flag is on for",
                tag: Self.tag,
                access: Self.admins,
                body: .form(Submission.schema),
                statementBudget: 12
            ) { request, context in
                do {
                    let submission = try context.decodeBody(Submission.self)
                    try await set(try submission.rule.rule, for: submission.name, context)
                    return .seeOther(
                        "/admin/flags",
                        saying: Flash(.success, "The flag \(submission.name) is set."),
                        context
                    )
                } catch let problem as Problem where !problem.errors.isEmpty {
                    let form = Self.form.again(context.bodyFields, problem.errors)
                    return try await flagsPage(form, request, context, status: .unprocessableContent)
                }
            },
        ]
    }

    private func flagsPage(
        _ form: Form,
        _ request: Request,
        _ context: PlatformContext,
        status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let model = FlagsModel(flags: table(try await flags()), form: form)
        return try pages.render(
            "admin-flags",
            model,
            head: PageHead("Flags", area: .administration),
            request: request,
            context: context,
            status: status
        )
    }

    private static var form: Form {
        Form(
            "flag",
            action: "/admin/flags",
            submit: "Set the flag",
            inputs: [
                Input("name", "Flag", hint: "Its key, such as courses.", isRequired: true, maximumLength: 64),
                Input(
                    "state",
                    "On for",
                    .radios([
                        .init("everyone", "Everyone"), .init("nobody", "Nobody"), .init("roles", "Some roles"),
                        .init("percentage", "A share of the accounts"),
                    ]),
                    isRequired: true,
                    values: ["nobody"]
                ),
                Input(
                    "roles",
                    "Roles",
                    .checkboxes(
                        Role.allCases.map {
                            .init($0.rawValue, $0.rawValue.prefix(1).uppercased() + $0.rawValue.dropFirst())
                        }
                    )
                ),
                Input("percentage", "Percent of the accounts", .line(type: "number"), inputMode: "numeric"),
            ]
        )
    }

    /// The areas of the platform, whether they have a rule or not, and whatever else has one.
    private func table(_ entries: [FeatureFlagStore.Entry]) -> Table {
        let known = Dictionary(entries.map { ($0.key, $0) }) { $1 }
        let areaKeys = FeatureFlags.Area.allCases.map(\.rawValue)
        let keys = areaKeys + entries.map(\.key).filter { !areaKeys.contains($0) }
        return Table(
            "Flags",
            columns: ["Flag", "What it is", "State", "Roles", "Action"],
            rows: keys.map { key in
                let area = FeatureFlags.Area(rawValue: key)
                let isThere = area.map(areas.contains) ?? true
                let rule = known[key]?.rule ?? (area == nil ? .nobody : .everyone)
                return [
                    .code(key), .text(area == nil ? "A feature." : "The area \(key)."),
                    .badge(isThere ? Self.badge(rule) : Badge("off at start")), Self.roles(rule),
                    .actions(isThere ? Self.actions(key, rule) : []),
                ]
            },
            empty: EmptyState("No flags", "No feature has a rule.")
        )
    }

    private static func badge(_ rule: FlagRule) -> Badge {
        switch rule {
        case .nobody: Badge("off")
        case .everyone: Badge("on", .good)
        case .roles: Badge("on for roles", .warning)
        case .percentage(let share): Badge("on for \(share) %", .warning)
        case .accounts(let accounts): Badge("on for \(accounts.count) accounts", .warning)
        }
    }

    private static func roles(_ rule: FlagRule) -> Cell {
        guard case .roles(let roles) = rule, !roles.isEmpty else { return .none() }
        return .badges(roles.sorted().map { Badge($0) })
    }

    private static func actions(_ key: String, _ rule: FlagRule) -> [ActionButton] {
        let isOn = rule == .everyone
        return [
            ActionButton(
                isOn ? "Turn off" : "Turn on",
                action: "/admin/flags",
                subject: key,
                values: [("name", key), ("state", isOn ? "nobody" : "everyone")]
            )
        ]
    }
}
