import ArgumentParser
import Cryptography
import Foundation
import MediaCore

/// `lyceum key`: the stream keys of the server that uses a data folder, running or not.
struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "Adds, lists, replaces and removes stream keys.",
        discussion: """
            The keys lie hashed in the file publish-keys in the data folder, so a key can be seen only once: when it is \
            made. A running server takes changes up at once; who publishes already goes on.
            """,
        subcommands: [Add.self, List.self, Rotate.self, Remove.self]
    )

    /// `lyceum key add NAME`.
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Makes a key for a stream and prints it.")

        @Argument(help: "The stream's name.") var name: String
        @Flag(help: "Take the key from standard input instead of making one.") var stdin = false
        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            let stream = try KeyCommand.stream(name)
            let secret = try stdin ? KeyCommand.secretFromStandardInput() : KeyCommand.newSecret()
            try await KeyCommand.change(options) { list in
                guard list.stream(for: secret) == nil else { throw ValidationError("the key is in use already") }
                list.append(PublishKey(stream: stream, secret: secret))
            }
            if !stdin { Terminal.say(secret.revealed) }
        }
    }

    /// `lyceum key list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the streams that have keys, and the keys' ids."
        )

        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            let keys = try await KeyCommand.list(options).keys
            guard !keys.isEmpty else { return Terminal.say("there is no stream key: lyceum key add NAME makes one") }
            let width = keys.map(\.stream.name.count).max() ?? 0
            for key in keys {
                Terminal.say(key.stream.name.padding(toLength: width, withPad: " ", startingAt: 0) + "  " + key.id)
            }
        }
    }

    /// `lyceum key rotate NAME`.
    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a new key for a stream, prints it, and removes the ones that it had."
        )

        @Argument(help: "The stream's name.") var name: String
        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            let stream = try KeyCommand.stream(name)
            let secret = KeyCommand.newSecret()
            try await KeyCommand.change(options) { list in
                _ = list.remove { $0.stream == stream }
                list.append(PublishKey(stream: stream, secret: secret))
            }
            Terminal.say(secret.revealed)
        }
    }

    /// `lyceum key remove NAME`.
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Removes the keys of a stream, or one of them.")

        @Argument(help: "The stream's name.") var name: String
        @Option(help: "Only the key with this id, as `lyceum key list` shows it.") var id: String?
        @Flag(help: "Only the key that standard input holds.") var stdin = false
        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            let stream = try KeyCommand.stream(name)
            let secret = try stdin ? KeyCommand.secretFromStandardInput() : nil
            try await KeyCommand.change(options) { list in
                let count = list.remove { key in
                    guard key.stream == stream, id.map({ $0 == key.id }) ?? true else { return false }
                    return secret.map(key.matches) ?? true
                }
                if count == 0 { throw ValidationError("the stream '\(stream)' has no such key") }
            }
        }
    }

    // MARK: - What they share

    private static func newSecret() -> Secret { Secret(Randomness.token(bits: PublishKey.bits)) }

    private static func stream(_ name: String) throws -> StreamID {
        guard let stream = StreamID(name) else {
            throw ValidationError("'\(name)' is no stream name: expected 1 to 64 letters, digits, '-', '_' or '.'")
        }
        return stream
    }

    private static func secretFromStandardInput() throws -> Secret {
        let text = readLine(strippingNewline: true) ?? ""
        if let problem = PublishKeyList.problem(withSecret: text) { throw ValidationError(problem) }
        return Secret(text)
    }

    private static func file(_ options: ConfigurationOptions) async throws -> PublishKeyFile {
        let (_, configuration) = try await options.load(environment: ProcessInfo.processInfo.environment)
        return PublishKeyFile(dataDirectory: configuration.dataDirectory)
    }

    private static func list(_ options: ConfigurationOptions) async throws -> PublishKeyList {
        let file = try await file(options)
        do throws(ListFileFailure) {
            return try file.load() ?? PublishKeyList()
        } catch {
            Terminal.complain("\(error)")
            throw ExitCode.unavailable
        }
    }

    private static func change(
        _ options: ConfigurationOptions,
        _ edit: (inout PublishKeyList) throws -> Void
    ) async throws {
        let file = try await file(options)
        do {
            try file.change(edit)
        } catch let failure as ListFileFailure {
            Terminal.complain("\(failure)")
            throw ExitCode.unavailable
        }
    }
}
