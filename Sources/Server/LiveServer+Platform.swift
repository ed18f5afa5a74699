import LiveStore
import Logging
import MediaCore
import NIOCore
import ServiceLifecycle
import Web

extension LiveServer {
    /// The platform of the settings; `nil` when it is off.
    ///
    /// - Throws: ``StartFailure`` for what cannot be used.
    static func platform(
        _ configuration: ServerConfiguration,
        _ store: LiveStore,
        on group: any EventLoopGroup,
        logger: Logger
    ) throws -> Platform? {
        guard let settings = configuration.platform else { return nil }
        // Where links decide who may watch, the server names no live by itself.
        let namesLives = configuration.playback == .open
        let site = PlatformSite(dataDirectory: configuration.dataDirectory, httpPort: configuration.httpPort)
        return try Platform(
            settings,
            site: site,
            secret: try site.secret(settings),
            lives: { namesLives ? homeLives(of: store) : [] },
            on: group,
            logger: logger
        )
    }

    /// What runs, by name, as the first page lists it.
    private static func homeLives(of store: LiveStore) -> [HomePage.Live] {
        store.streams.filter { isRunning($0.snapshot.phase) }
            .map { HomePage.Live(name: $0.id.name, title: $0.id.name, path: "/watch/\($0.id.name)") }
            .sorted { $0.name < $1.name }
    }

    private static func isRunning(_ phase: LiveStream.Phase) -> Bool {
        switch phase {
        case .live, .interrupted: true
        case .preparing, .ended: false
        }
    }

    /// The platform at work beside media, which never waits for it.
    struct PlatformRun: Sendable {
        /// Ends when it is cancelled, or with a failure.
        let task: Task<Void, Never>
        /// Why it cannot go on, should it come to that.
        let failures: AsyncStream<StartFailure>
    }

    /// Lets the platform work; `nil` when it is off.
    func startPlatform() -> PlatformRun? {
        guard let platform else { return nil }
        let (failures, failure) = AsyncStream.makeStream(of: StartFailure.self)
        let task = Task {
            do {
                try await platform.run { link in
                    Terminal.say(
                        """
                          First account
                          Open this within a day to make the administrator's account:
                          \(link)

                        """
                    )
                }
            } catch {
                failure.yield(
                    error as? StartFailure ?? StartFailure(description: "\(error)", exitCode: .internalError)
                )
            }
        }
        return PlatformRun(task: task, failures: failures)
    }

    /// Waits until the server is to stop: because it was told to, or because the platform cannot go on.
    ///
    /// - Returns: why the platform cannot go on.
    func awaitEnd(of platform: PlatformRun?) async -> StartFailure? {
        await withTaskGroup(of: StartFailure?.self) { group in
            group.addTask {
                try? await gracefulShutdown()
                return nil
            }
            if let failures = platform?.failures {
                group.addTask { await failures.first { _ in true } }
            }
            let failure = await group.next() ?? nil
            group.cancelAll()
            return failure
        }
    }
}
