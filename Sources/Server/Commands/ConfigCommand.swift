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

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
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
