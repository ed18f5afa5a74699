import ArgumentParser
import Foundation
import MediaCore

/// `lyceum config`: the settings that a server started here would have, in the form of an environment file.
struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Checks the settings and prints them with where each comes from.",
        discussion: "The first to have a setting is right: flags, the environment, .env, lyceum.yaml, the defaults."
    )

    @Flag(help: "Prints the table of docs/configuration.md instead.") var table = false
    @Flag(help: "Prints the file .env.example instead.") var example = false
    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        if table { return print(ConfigurationDocuments.table, terminator: "") }
        if example { return print(ConfigurationDocuments.environmentFile, terminator: "") }
        let (sources, _) = try await options.load(environment: ProcessInfo.processInfo.environment)
        let lines = try ConfigurationKey.all.map { key in
            let setting = try sources.setting(key)
            let value = key.isSecret && !setting.value.isEmpty ? "\(Secret(setting.value))" : setting.value
            return (assignment: "\(key.environmentName)=\(value)", origin: setting.origin)
        }
        let width = lines.map(\.assignment.count).max() ?? 0
        for line in lines {
            let padding = String(repeating: " ", count: width - line.assignment.count)
            print("\(line.assignment)\(padding)  # from \(line.origin)")
        }
    }
}
