import ArgumentParser

/// The command line: `lyceum serve | drain | import | jobs | key | recordings | restream | streams | token | config | version`.
@main
struct Lyceum: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lyceum",
        abstract: "Takes live streams over RTMP and serves them as HLS.",
        version: Version.text,
        subcommands: [
            ServeCommand.self, DrainCommand.self, ImportCommand.self, JobsCommand.self, KeyCommand.self,
            RecordingsCommand.self, RestreamCommand.self, StreamsCommand.self, TokenCommand.self, ConfigCommand.self,
            VersionCommand.self,
        ]
    )
}
