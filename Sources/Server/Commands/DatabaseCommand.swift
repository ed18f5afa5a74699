import ArgumentParser
import EmbeddedPostgres
import Foundation
import Logging
import Postgres

/// `lyceum db`: the platform's database as a file, and back.
struct DatabaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "db",
        abstract: "Saves the platform's database and restores it.",
        discussion: """
            Both work on the database that the server with these settings has, its own or another, whether the server runs or not. \
            To move to another database, dump with the old settings and restore with LYCEUM_DATABASE_URL set.
            """,
        subcommands: [Dump.self, Restore.self]
    )

    /// `lyceum db dump FILE`.
    struct Dump: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Writes all of the database, as it is at one moment, into a file that is there only when it is whole."
        )

        @Argument(help: "The file.") var file: String
        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            try await DatabaseCommand.withDatabase(options) { archive, database in
                try await archive.dump(database.connectionString, to: file)
            }
        }
    }

    /// `lyceum db restore FILE`.
    struct Restore: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Replaces what is in the database by what a dump holds, all of it or nothing.",
            discussion: "Stop the server first: what it writes meanwhile is lost."
        )

        @Argument(help: "A file that `lyceum db dump` has written.") var file: String
        @Flag(help: "Yes, replace what is there.") var force = false
        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            guard force else {
                throw ValidationError("this replaces everything that is in the database: say --force if that is meant")
            }
            try await DatabaseCommand.withDatabase(options) { archive, database in
                try await archive.restore(database.connectionString, from: file)
            }
        }
    }

    /// Does something with the database of the settings; a failure ends the command with a sentence.
    private static func withDatabase(
        _ options: ConfigurationOptions,
        _ work: (DatabaseArchive, PlatformDatabase) async throws -> Void
    ) async throws {
        try await PlatformDatabase.withDatabase(options) { settings, database in
            try await work(DatabaseArchive(binariesDirectory: settings.databasePrograms), database)
        }
    }
}

extension PlatformDatabase {
    /// Does something with the database of the settings, started for as long as it takes if it is the server's own and does not run.
    ///
    /// - Parameters:
    ///   - options: the command's flags.
    ///   - work: what to do.
    /// - Throws: an exit code, once the person at the terminal knows what is wrong.
    static func withDatabase(
        _ options: ConfigurationOptions,
        _ work: (PlatformSettings, PlatformDatabase) async throws -> Void
    ) async throws {
        let (_, configuration) = try await options.load(environment: ProcessInfo.processInfo.environment)
        guard let settings = configuration.platform else {
            Terminal.complain(
                "the platform is off (\(ConfigurationKey.platformSwitch.environmentName)): there is no database"
            )
            throw ExitCode.wrongConfiguration
        }
        // A command says what matters by itself.
        var logger = Logger(label: "lyceum") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        do {
            let database = try PlatformDatabase(settings, dataDirectory: configuration.dataDirectory, logger: logger)
            let isStarter = database.embedded.map { !$0.isServed } ?? false
            if isStarter { _ = try await database.embedded?.start() }
            let result: Result<Void, any Error>
            do { result = .success(try await work(settings, database)) } catch { result = .failure(error) }
            await database.database.shutDown()
            if isStarter { await database.embedded?.stop() }
            try result.get()
        } catch let error as ExitCode {
            throw error
        } catch {
            Terminal.complain("\(error)")
            throw (error as? StartFailure)?.exitCode ?? ExitCode.unavailable
        }
    }
}
