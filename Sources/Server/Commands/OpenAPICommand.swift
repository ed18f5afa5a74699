import ArgumentParser
import Foundation
import Logging
import NIOPosix

/// `lyceum openapi`: the description of the API, as a running server has it at /api/v1/openapi.json.
struct OpenAPICommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "openapi",
        abstract: "Prints the OpenAPI 3.1 description of the API."
    )

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        let (_, configuration) = try await options.load(environment: ProcessInfo.processInfo.environment)
        guard let settings = configuration.platform else {
            Terminal.complain("the platform is off (\(ConfigurationKey.platformSwitch.environmentName)): it has no API")
            throw ExitCode.wrongConfiguration
        }
        do {
            let document = try Platform.description(settings, dataDirectory: configuration.dataDirectory)
            try FileHandle.standardOutput.write(contentsOf: document)
        } catch let failure as StartFailure {
            Terminal.complain("\(failure)")
            throw failure.exitCode
        }
    }
}
