import ArgumentParser
import Foundation
import Glibc

/// `lyceum drain`: lets a running server's publishers leave.
struct DrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Lets the publishers of a running server leave, so that it can be stopped without hurting a live.",
        discussion: """
            The server stops listening for encoders, asks those that understand it (Enhanced RTMP's reconnect request) to \
            connect again, and lets all others go on until they end by themselves. Viewers are served as before, and \
            /readyz says "draining". The next server can listen on the same port from then on. SIGUSR1 does the same.

            Exit codes: 0 when the server drains, 69 when none runs with the data folder.
            """
    )

    @Flag(help: "Wait until the last publisher has left.")
    var wait = false

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        let (_, configuration) = try await options.load(environment: ProcessInfo.processInfo.environment)
        let folder = configuration.dataDirectory
        guard let server = try running(in: folder) else {
            Terminal.complain("no server runs with the data folder \(folder)")
            throw ExitCode.unavailable
        }
        switch server.state {
        case .drained: return Terminal.say("process \(server.process) is drained: the last publisher has left")
        case .draining: Terminal.say("process \(server.process) is being drained already")
        case .serving:
            guard kill(server.process, SIGUSR1) == 0 else {
                Terminal.complain("process \(server.process) cannot be told: \(String(cString: strerror(errno)))")
                throw ExitCode.unavailable
            }
            Terminal.say("process \(server.process) takes no new publishers; those that can are asked to connect again")
        }
        if wait { try await waitUntilDrained(server.process, folder: folder) }
    }

    private func waitUntilDrained(_ process: Int32, folder: String) async throws {
        while let server = try running(in: folder), server.process == process, server.state != .drained {
            try await Task.sleep(for: .milliseconds(200))
        }
        Terminal.say("process \(process) is drained: the last publisher has left")
    }

    private func running(in folder: String) throws -> (process: Int32, state: ProcessFile.State)? {
        do throws(ProcessFile.Failure) {
            return try ProcessFile.running(in: folder)
        } catch {
            Terminal.complain("\(error)")
            throw ExitCode.unavailable
        }
    }
}
