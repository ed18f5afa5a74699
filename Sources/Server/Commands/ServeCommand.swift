import ArgumentParser
import Foundation
import Logging
import ServiceLifecycle
import UnixSignals

/// `lyceum serve`: runs the server until it is told to stop.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Runs the server until SIGTERM or SIGINT.",
        discussion: """
            Exit codes: 0 after a clean stop, 64 for a wrong setting, 69 when a port or the data folder cannot be had, \
            70 for an error of the server's own.
            """
    )

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let (_, configuration) = try await options.load(environment: environment)
        let logger = Self.makeLogger(configuration.logLevel)
        for name in ConfigurationKey.unknownNames(in: environment) {
            logger.warning("unknown setting in the environment, not used", metadata: ["setting": "\(name)"])
        }
        do {
            try await Self.serve(configuration, logger: logger)
        } catch let failure as StartFailure {
            Terminal.complain("\(failure)")
            throw failure.exitCode
        } catch {
            logger.critical("server stopped by an error of its own", metadata: ["error": "\(error)"])
            throw ExitCode.internalError
        }
    }

    private static func makeLogger(_ level: Logger.Level) -> Logger {
        // Standard output belongs to what is said to the person who started the server.
        var logger = Logger(label: "lyceum") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = level
        return logger
    }

    private static func serve(_ configuration: ServerConfiguration, logger: Logger) async throws {
        let server = try LiveServer(configuration, logger: logger)
        var quiet = logger
        quiet.logLevel = max(.notice, configuration.logLevel)
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: server, successTerminationBehavior: .gracefullyShutdownGroup)],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: quiet
            )
        )
        try await group.run()
    }
}

extension ConfigurationKey {
    /// The variables in an environment that look like settings and are none: misspelt ones, most likely.
    static func unknownNames(in environment: [String: String]) -> [String] {
        let known = Set(all.map(\.environmentName))
        return environment.keys.filter { $0.hasPrefix("LYCEUM_") && !known.contains($0) }.sorted()
    }
}
