internal import Hummingbird
internal import HTTPTypes
public import Kernel
public import Postgres
public import Web

/// What runs the site: jobs and dead letters, the audit log, flags and health, as pages and in the API, for admins.
///
/// Whatever is changed here is written to the audit log in the same transaction.
public struct AdministrationModule: PlatformModule {
    let database: Database
    let pages: PageRenderer
    let health: HealthReport
    let areas: Set<FeatureFlags.Area>
    let streams: EventStreams

    /// The administration of a site.
    ///
    /// - Parameters:
    ///   - database: where everything is.
    ///   - pages: renders, with ``AdministrationTemplates`` among its templates.
    ///   - health: looks at the parts of the server.
    ///   - areas: the areas of the platform that were switched on at boot.
    ///   - streams: the streams of events, of which admins follow that of dead letters.
    public init(
        database: Database,
        pages: PageRenderer,
        health: HealthReport,
        areas: Set<FeatureFlags.Area>,
        streams: EventStreams
    ) {
        self.database = database
        self.pages = pages
        self.health = health
        self.areas = areas
        self.streams = streams
    }

    /// What it can be asked for.
    public var endpoints: [Endpoint] {
        [start, jobProgress, deadLetterEvents] + jobPages + jobEndpoints + auditEndpoints + flagPages + flagEndpoints
            + healthEndpoints
    }

    static let tag = "Administration"
    static let admins = Access.role([.admin])
    static let reading: Scope = "admin:read"
    static let writing: Scope = "admin:write"

    private var start: Endpoint {
        Endpoint(
            .get,
            "/admin",
            .page,
            "administrationPage",
            "The way to the administration",
            tag: Self.tag,
            access: Self.admins,
            responses: [.seeOther],
            statementBudget: 3
        ) { _, _ in .seeOther("/admin/health") }
    }
}
