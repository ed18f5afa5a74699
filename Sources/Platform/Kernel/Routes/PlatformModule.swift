public import Postgres

/// A part of the platform, as accounts or administration: what it adds to the routes, and its work in the background.
public protocol PlatformModule: Sendable {
    /// The steps of its tables.
    static var migrations: [Migration] { get }
    /// What it can be asked for.
    var endpoints: [Endpoint] { get }
    /// Begins its work in the background; returns at once.
    func start() async throws
    /// Ends that work; returns when it has ended.
    func stop() async
}

extension PlatformModule {
    /// No tables of its own.
    public static var migrations: [Migration] { [] }
    /// Nothing to begin.
    public func start() async throws {}
    /// Nothing to end.
    public func stop() async {}
}
