import ArgumentParser
import Foundation
import Logging
import Postgres

/// `lyceum migrate`: the schema of the platform's database.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Brings the schema of the platform's database up or down, or tells how it stands.",
        discussion:
            "The server brings it up by itself when it starts, and refuses to start with one that is newer than it knows.",
        subcommands: [Up.self, Down.self, Status.self, Verify.self]
    )

    /// `lyceum migrate up`.
    struct Up: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Applies every step that is not applied yet.")

        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            try await MigrateCommand.withMigrator(options) { migrator in
                MigrateCommand.say(try await migrator.up(), "up", nothing: "there is nothing to apply")
            }
        }
    }

    /// `lyceum migrate down`.
    struct Down: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Undoes the last steps, and deletes what their tables hold."
        )

        @Option(help: "How many steps.") var steps = 1
        @Flag(help: "All steps.") var all = false
        @Flag(help: "Yes, delete what the tables hold.") var allowDataLoss = false
        @OptionGroup var options: ConfigurationOptions

        func validate() throws {
            guard steps > 0 else { throw ValidationError("--steps wants a number from 1 on") }
            guard allowDataLoss else {
                throw ValidationError(
                    "this deletes what the tables of the steps hold: make a dump (lyceum db dump FILE), then say --allow-data-loss"
                )
            }
        }

        func run() async throws {
            try await MigrateCommand.withMigrator(options) { migrator in
                let undone = try await migrator.down(to: all ? .empty : .steps(steps))
                MigrateCommand.say(undone, "down", nothing: "there is nothing to undo")
            }
        }
    }

    /// `lyceum migrate status`.
    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the steps and whether each is applied.")

        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            try await MigrateCommand.withMigrator(options) { migrator in
                let status = try await migrator.status()
                let width = status.map(\.label.count).max() ?? 0
                for step in status {
                    Terminal.say(
                        step.label.padding(toLength: width, withPad: " ", startingAt: 0) + "  " + step.state.rawValue
                    )
                }
            }
        }
    }

    /// `lyceum migrate verify`.
    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Checks that the database has exactly the steps that this version knows; else ends with an error."
        )

        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            try await MigrateCommand.withMigrator(options) { migrator in
                try await migrator.verify()
                Terminal.say("the schema is that of this version")
            }
        }
    }

    private static func say(_ labels: [String], _ direction: String, nothing: String) {
        guard !labels.isEmpty else { return Terminal.say(nothing) }
        for label in labels { Terminal.say("\(direction)  \(label)") }
    }

    private static func withMigrator(
        _ options: ConfigurationOptions,
        _ work: (Migrator) async throws -> Void
    ) async throws {
        try await PlatformDatabase.withDatabase(options) { _, database in try await work(database.migrator) }
    }
}
