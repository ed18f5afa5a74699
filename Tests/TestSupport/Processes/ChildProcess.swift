internal import Foundation

/// A process that a test has started, with what it writes.
///
/// It is killed, by its identifier, when nobody holds it any more.
public final class ChildProcess: Sendable {
    /// How a process came to its end.
    public enum Exit: Hashable, Sendable {
        /// It ended by itself with this status.
        case status(Int32)
        /// It was ended by this signal.
        case signal(Int32)
    }

    /// Its identifier.
    public let processIdentifier: Int32
    /// What it writes to standard output.
    public let standardOutput = OutputLog()
    /// What it writes to standard error.
    public let standardError = OutputLog()

    private let name: String
    private let exit = Observed<Exit?>(nil)

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - executable: its path, or a name that is looked up in PATH.
    ///   - arguments: its arguments.
    ///   - environment: variables on top of those of the test.
    ///   - directory: the folder that it runs in; `nil` for the test's own.
    /// - Throws: ``ToolMissing``, or the system's error.
    public init(
        _ executable: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        directory: String? = nil
    ) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try Self.path(of: executable))
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
        process.standardInput = FileHandle.nullDevice
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        process.terminationHandler = { [exit] process in
            let status = process.terminationStatus
            exit.update { $0 = process.terminationReason == .exit ? .status(status) : .signal(status) }
        }
        try Self.withoutBlockedSignals { try process.run() }
        name = "\(executable) (\(process.processIdentifier))"
        processIdentifier = process.processIdentifier
        Self.drain(output, into: standardOutput)
        Self.drain(errors, into: standardError)
    }

    deinit {
        // Foundation makes every process the leader of a group; those that it started itself go with it.
        if exit.value == nil { kill(-processIdentifier, SIGKILL) }
    }

    /// How it ended, or `nil` while it runs.
    public var currentExit: Exit? { exit.value }

    /// Sends a signal, unless it has ended.
    public func send(_ signal: Int32) {
        if exit.value == nil { kill(processIdentifier, signal) }
    }

    /// Waits for its end, with all that it wrote.
    ///
    /// - Parameter limit: how long to wait; it is killed when that is not enough.
    /// - Returns: how it ended.
    /// - Throws: ``DeadlineExceeded``.
    @discardableResult
    public func waitForExit(within limit: Duration) async throws -> Exit {
        do {
            return try await withDeadline(limit) {
                "\(self.name) still ran; its last words:\n\(self.standardError.tail())"
            } _: {
                let exit = try await self.exit.first { $0 }
                try await self.standardOutput.closed()
                try await self.standardError.closed()
                return exit
            }
        } catch {
            if exit.value == nil { kill(-processIdentifier, SIGKILL) }
            throw error
        }
    }

    /// The threads that run Swift's tasks block every signal, and a process inherits what is blocked: SIGTERM would
    /// never reach it.
    private static func withoutBlockedSignals(_ body: () throws -> Void) rethrows {
        var none = sigset_t()
        var before = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try body()
    }

    /// A thread of its own for each pipe: a process that writes much must never wait for a test that is busy.
    private static func drain(_ pipe: Pipe, into log: OutputLog) {
        let handle = pipe.fileHandleForReading
        let thread = Thread {
            while true {
                let data = handle.availableData
                if data.isEmpty { break }
                log.append(data)
            }
            // Not left to deinit: Foundation's Process keeps its pipes longer than the process lives.
            try? handle.close()
            log.close()
        }
        thread.stackSize = 256 * 1024
        thread.start()
    }

    private static func path(of executable: String) throws -> String {
        if executable.contains("/") { return executable }
        let folders = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        for folder in folders.split(separator: ":") {
            let path = "\(folder)/\(executable)"
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        throw ToolMissing(name: executable)
    }
}

/// A program that the tests drive is not installed.
public struct ToolMissing: Error, CustomStringConvertible {
    /// Its name.
    public let name: String

    /// What to do about it.
    public var description: String { "\(name) is not installed: scripts/test installs what the tests need" }
}
