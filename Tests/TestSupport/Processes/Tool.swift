internal import Foundation

/// Runs a program to its end.
public enum Tool {
    /// What a program did.
    public struct Output: Sendable {
        /// How it ended.
        public let exit: ChildProcess.Exit
        /// What it wrote to standard output.
        public let standardOutput: [UInt8]
        /// What it wrote to standard error, as text.
        public let standardError: String

        /// What it wrote to standard output, as text.
        public var text: String { String(decoding: standardOutput, as: UTF8.self) }
    }

    /// A program ended with an error.
    public struct Failure: Error, CustomStringConvertible {
        /// The program, how it ended and its last words.
        public let description: String
    }

    /// Runs a program, whatever its exit status.
    ///
    /// - Parameters:
    ///   - name: its name in PATH, or its path.
    ///   - arguments: its arguments.
    ///   - environment: variables on top of those of the test.
    ///   - limit: how long it may run.
    /// - Returns: how it ended and what it wrote.
    /// - Throws: ``ToolMissing`` or ``DeadlineExceeded``.
    public static func run(
        _ name: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        within limit: Duration = .seconds(60)
    ) async throws -> Output {
        let process = try ChildProcess(name, arguments, environment: environment)
        let exit = try await process.waitForExit(within: limit)
        return Output(
            exit: exit,
            standardOutput: process.standardOutput.bytes,
            standardError: process.standardError.text
        )
    }

    /// Runs a program that must end with status 0.
    ///
    /// - Parameters:
    ///   - name: its name in PATH, or its path.
    ///   - arguments: its arguments.
    ///   - limit: how long it may run.
    /// - Returns: what it wrote.
    /// - Throws: ``Failure``, ``ToolMissing`` or ``DeadlineExceeded``.
    @discardableResult
    public static func check(
        _ name: String,
        _ arguments: [String],
        within limit: Duration = .seconds(60)
    ) async throws -> Output {
        let output = try await run(name, arguments, within: limit)
        guard output.exit == .status(0) else {
            let words = output.standardError.split(separator: "\n").suffix(20).joined(separator: "\n")
            throw Failure(description: "\(name) ended with \(output.exit):\n\(words)")
        }
        return output
    }

    /// Where scripts/fetch-ffmpeg puts an ffmpeg that speaks Enhanced RTMP.
    public static var newerFFmpeg: String {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../..")
        return package.standardized.appendingPathComponent(".vendor/ffmpeg/ffmpeg").path
    }

    /// Runs ffmpeg, quietly and without asking, until it ends with status 0.
    ///
    /// - Parameters:
    ///   - arguments: inputs and outputs.
    ///   - limit: how long it may run.
    /// - Returns: what it wrote.
    /// - Throws: as ``check(_:_:within:)``.
    @discardableResult
    public static func ffmpeg(_ arguments: [String], within limit: Duration = .seconds(60)) async throws -> Output {
        try await check(
            "ffmpeg",
            ["-hide_banner", "-nostdin", "-loglevel", "warning", "-y"] + arguments,
            within: limit
        )
    }
}
