internal import Hummingbird
internal import HTTPTypes
internal import Foundation
internal import Kernel
internal import Web

extension AdministrationModule {
    private struct PartDocument: Encodable, Sendable {
        let name: String
        let well: Bool
        let detail: String
    }

    private struct HealthDocument: Encodable, Sendable {
        let healthy: Bool
        let version: String
        let startedAt: String
        let parts: [PartDocument]

        private enum CodingKeys: String, CodingKey {
            case healthy, version, parts
            case startedAt = "started_at"
        }

        static let schema = Schema.object(
            "Health",
            [
                .required("healthy", .boolean), .required("version", .text(1...100)),
                .required("started_at", .timestamp),
                .required(
                    "parts",
                    .array(
                        .object([
                            .required("name", .text(1...100)), .required("well", .boolean),
                            .required("detail", .text(0...2000).multiline()),
                        ]),
                        0...100
                    )
                ),
            ]
        )
    }

    private struct HealthModel: ViewModel {
        let isHealthy: Bool
        let summary: String
        let checks: Table
        let facts: Facts
    }

    /// Health, in the API and as a page.
    var healthEndpoints: [Endpoint] {
        [
            Endpoint(
                .get,
                "/api/v1/admin/health",
                .api,
                "getHealth",
                "Tells how the parts of this server are",
                tag: Self.tag,
                access: Self.admins,
                scope: Self.reading,
                responses: [.ok(HealthDocument.schema)],
                statementBudget: 10
            ) { _, _ in
                let parts = await health.parts()
                let document = HealthDocument(
                    healthy: parts.allSatisfy(\.isWell),
                    version: health.version,
                    startedAt: Timestamp.text(health.startedAt),
                    parts: parts.map { PartDocument(name: $0.name, well: $0.isWell, detail: $0.detail) }
                )
                return try .json(document, headers: [.cacheControl: "no-store"])
            },
            Endpoint(
                .get,
                "/admin/health",
                .page,
                "healthPage",
                "How the parts of this server are",
                tag: Self.tag,
                access: Self.admins,
                statementBudget: 10
            ) { request, context in
                let parts = await health.parts()
                return try pages.render(
                    "admin-health",
                    model(parts, now: context.now),
                    head: PageHead("Health", area: .administration),
                    request: request,
                    context: context
                )
            },
        ]
    }

    private func model(_ parts: [HealthReport.Part], now: Date) -> HealthModel {
        let unwell = parts.filter { !$0.isWell }.map(\.name)
        return HealthModel(
            isHealthy: unwell.isEmpty,
            summary: unwell.isEmpty ? "All is well." : "Needs attention: \(unwell.joined(separator: ", ")).",
            checks: Table(
                "Parts",
                columns: ["Part", "State", "Detail"],
                rows: parts.map { part in
                    [
                        .text(part.name),
                        .badge(part.isWell ? Badge("well", .good) : Badge("needs attention", .bad)),
                        .foreign(part.detail),
                    ]
                },
                empty: EmptyState("No parts", "Nothing is looked at.")
            ),
            facts: Facts([
                ("Version", .code(health.version)), ("Started", .time(Moment(health.startedAt))),
                ("Areas", .text(areas.isEmpty ? "none" : areas.map(\.rawValue).sorted().joined(separator: ", "))),
                ("Looked at", .time(Moment(now))),
            ])
        )
    }
}
