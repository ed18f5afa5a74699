import ArgumentParser
import Foundation
import Ingest
import MediaCore

/// `lyceum restream`: the servers that the lives of a data folder are pushed to.
struct RestreamCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restream",
        abstract: "Adds, lists and removes servers that lives are pushed to.",
        discussion: """
            A live is pushed as it comes, without transcoding, from its beginning to its end, to each of its addresses; a \
            connection that fails is tried again for as long as the live lasts. The addresses lie, with the keys in them, in \
            the file restream in the data folder. A running server takes changes up within seconds.
            """,
        subcommands: [Add.self, List.self, Remove.self]
    )

    /// `lyceum restream add NAME`.
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Adds an address, which it reads from standard input.",
            discussion: "Other users of this machine can see command lines, and the address holds a stream key."
        )

        @Argument(help: "The stream's name.") var name: String
        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            let stream = try RestreamCommand.stream(name)
            if isatty(STDIN_FILENO) != 0 { Terminal.say("Address, rtmp://HOST/APP/KEY or rtmps://HOST/APP/KEY:") }
            let address = (readLine() ?? "").trimmingCharacters(in: .whitespaces)
            guard let target = PushTarget(url: address) else {
                throw ValidationError("expected an address rtmp://HOST/APP/KEY or rtmps://HOST/APP/KEY")
            }
            try await RestreamCommand.change(options) { list in
                let isThere = list.targets.contains { $0.stream == stream && $0.target == target }
                guard !isThere else { throw ValidationError("\(stream) is pushed there already") }
                list.append(stream, target)
            }
            Terminal.say("\(stream) is pushed to \(target)")
        }
    }

    /// `lyceum restream list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the addresses, without their keys.")

        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            let file = try await RestreamCommand.file(options)
            let targets = try RestreamCommand.reporting { try file.read() ?? RestreamList() }.targets
            guard !targets.isEmpty else {
                return Terminal.say("no live is pushed anywhere: lyceum restream add NAME adds an address")
            }
            let width = targets.map(\.stream.name.count).max() ?? 0
            for (stream, target) in targets {
                let name = stream.name.padding(toLength: width, withPad: " ", startingAt: 0)
                Terminal.say("\(name)  \(target)")
            }
        }
    }

    /// `lyceum restream remove NAME`.
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Removes the addresses of a stream, or one of them.")

        @Argument(help: "The stream's name.") var name: String
        @Option(help: "Only this address, as `lyceum restream list` shows it.") var address: String?
        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            let stream = try RestreamCommand.stream(name)
            try await RestreamCommand.change(options) { list in
                let count = list.remove { name, target in name == stream && (address.map { $0 == "\(target)" } ?? true)
                }
                if count == 0 { throw ValidationError("\(stream) is not pushed there") }
            }
        }
    }

    // MARK: - What they share

    private static func stream(_ name: String) throws -> StreamID {
        guard let stream = StreamID(name) else {
            throw ValidationError("'\(name)' is no stream name: expected 1 to 64 letters, digits, '-', '_' or '.'")
        }
        return stream
    }

    private static func file(_ options: ConfigurationOptions) async throws -> RestreamFile {
        let (_, configuration) = try await options.load(environment: ProcessInfo.processInfo.environment)
        return RestreamFile(dataDirectory: configuration.dataDirectory)
    }

    private static func change(
        _ options: ConfigurationOptions,
        _ edit: (inout RestreamList) throws -> Void
    ) async throws {
        let file = try await file(options)
        _ = try reporting { try file.change(edit) }
    }

    private static func reporting<Result>(_ work: () throws -> Result) throws -> Result {
        do {
            return try work()
        } catch let failure as ListFileFailure {
            Terminal.complain("\(failure)")
            throw ExitCode.unavailable
        }
    }
}
