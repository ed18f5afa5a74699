internal import Hummingbird
internal import HTTPTypes
internal import Postgres
internal import Kernel
internal import Web

extension AdministrationModule {
    /// An entry as the API gives it.
    struct AuditDocument: Encodable, Sendable {
        /// What it was made of: for the page, which shows the same list.
        let record: AuditRecord
        let id: String
        let at: String
        let actor: String
        let action: String
        let object: String?
        let detail: AuditDetail
        let network: String?
        let requestID: String?

        private enum CodingKeys: String, CodingKey {
            case id, at, actor, action, object, detail, network
            case requestID = "request_id"
        }

        init(_ record: AuditRecord) {
            self.record = record
            id = String(record.id)
            at = Timestamp.text(record.at)
            actor = record.entry.actor
            action = record.entry.action
            object = record.entry.object
            detail = AuditDetail(json: record.entry.detail)
            network = record.entry.ipPrefix
            requestID = record.entry.requestID
        }

        static let schema = Schema.object(
            "AuditEntry",
            [
                .required("id", .text(1...20)), .required("at", .timestamp),
                .required("actor", .text(1...100).described("An account's public id, `visitor` or `system`.")),
                .required("action", .text(1...100)), .optional("object", .text(0...200)),
                .required("detail", .anyObject),
                .optional("network", .text(0...50).described("The network the request came from.")),
                .optional("request_id", .text(0...100)),
            ]
        )
    }

    /// What the log is asked for.
    struct AuditQuery: Decodable, Sendable {
        let actor: String?
        let action: String?
        let object: String?

        static let parameters: [Parameter] = [
            .query("actor", .text(0...100).described("Only what this actor did.")),
            .query("action", .text(0...100).described("Only this action.")),
            .query("object", .text(0...200).described("Only what was done to this.")),
        ]

        /// An empty field of a search form is no condition.
        var filter: AuditLog.Filter {
            func condition(_ text: String?) -> String? { text.flatMap { $0.isEmpty ? nil : $0 } }
            return AuditLog.Filter(actor: condition(actor), action: condition(action), object: condition(object))
        }
    }

    private struct AuditModel: ViewModel {
        let search: Form
        let entries: Table
    }

    /// The log, in the API and as a page.
    var auditEndpoints: [Endpoint] {
        [
            Endpoint(
                .get,
                "/api/v1/admin/audit",
                .api,
                "listAudit",
                "Lists who did what, the newest first",
                tag: Self.tag,
                access: Self.admins,
                scope: Self.reading,
                parameters: Parameter.paging + AuditQuery.parameters,
                responses: [.ok(.page(of: AuditDocument.schema))],
                statementBudget: 4
            ) { request, context in
                try .page(try await audit(try context.decodeQuery(AuditQuery.self), context), of: request)
            },
            page("/admin/audit", "auditPage", "Who did what", parameters: Parameter.paging + AuditQuery.parameters) {
                request,
                context in
                let query = try context.decodeQuery(AuditQuery.self)
                let found = try await audit(query, context)
                let model = AuditModel(
                    search: Self.search(query),
                    entries: Self.table(found.data.map(\.record), Pagination(of: "entries", found, request))
                )
                return try pages.render(
                    "admin-audit",
                    model,
                    head: PageHead("Audit", area: .administration),
                    request: request,
                    context: context
                )
            },
        ]
    }

    private func audit(_ query: AuditQuery, _ context: PlatformContext) async throws -> Page<AuditDocument> {
        let (request, filter) = (try context.pageRequest(), query.filter)
        let rows = try await database.run { connection in
            try AuditLog.records(filter, from: request.cursor, limit: request.limit + 1, on: connection)
        }
        return context.page(of: rows.map(AuditDocument.init), request) { ("", $0.record.id) }
    }

    private static func search(_ query: AuditQuery) -> Form {
        func input(_ name: String, _ label: String, _ value: String?) -> Input {
            Input(name, label, maximumLength: 100, values: [value].compactMap { $0 })
        }
        return Form(
            "search",
            action: "/admin/audit",
            submit: "Search",
            inputs: [
                input("actor", "Who", query.actor), input("action", "What", query.action),
                input("object", "On", query.object),
            ],
            isSearch: true
        )
    }

    private static func table(_ records: [AuditRecord], _ pagination: Pagination) -> Table {
        Table(
            "What was done",
            columns: ["When", "Who", "What", "On", "Details"],
            rows: records.map { record in
                [
                    .time(Moment(record.at)), who(record.entry.actor), .code(record.entry.action),
                    record.entry.object.map { .code($0) } ?? .none(),
                    record.entry.detail == "{}"
                        ? .none() : .foreign(record.entry.detail, detail: record.entry.ipPrefix),
                ]
            },
            empty: EmptyState("No entries", "Nothing like this was done."),
            pagination: pagination
        )
    }

    private static func who(_ actor: String) -> Cell {
        switch actor {
        case "system": .none("the server")
        case "visitor": .none("a visitor")
        default: actor.hasPrefix("acc_") ? .link(actor, "/admin/users/\(actor)") : .code(actor)
        }
    }
}
