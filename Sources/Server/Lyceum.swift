import ArgumentParser

/// The command line: `lyceum serve | drain | db | migrate | import | jobs | key | recordings | restream | streams | token | config | openapi | version`.
@main
struct Lyceum: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lyceum",
        abstract: "Takes live streams over RTMP and serves them as HLS.",
        version: Version.text,
        subcommands: [
            ServeCommand.self, DrainCommand.self, DatabaseCommand.self, MigrateCommand.self, ImportCommand.self,
            JobsCommand.self, KeyCommand.self,
            RecordingsCommand.self, RestreamCommand.self, StreamsCommand.self, TokenCommand.self, ConfigCommand.self,
            OpenAPICommand.self,
            VersionCommand.self,
        ]
    )
}
