internal import Foundation
internal import Subprocess
internal import SystemPackage

/// How programs that work on a cluster are called.
///
/// The user that PostgreSQL runs as may well have no way through the folders above the cluster: a data folder in /root, or one
/// that is closed to all others because recordings and secrets lie in it too. So nothing above is opened for it. A shell opens
/// the cluster's folder while it still is who the server is, and PostgreSQL gets it as a descriptor:
///
///     sh: cd CLUSTER, open descriptor 9, cd /
///       setpriv: become the user, ask for SIGINT when the server dies
///         postgres -D /proc/self/fd/9
enum ClusterCommand {
    /// The cluster's folder as PostgreSQL sees it.
    ///
    /// It also tells a postmaster of ours from one that somebody has started by hand.
    static let descriptorPath = "/proc/self/fd/9"
    private static let openThenBecome = #"cd -- "$0" && exec 9<. && cd / && exec "$@""#

    /// The environment of every program: nothing of the server's own, above all no PGDATA or PGOPTIONS.
    static let environment: Environment = .custom([
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC",
    ])

    /// A program that works on a cluster, as its owner, and is told to end (SIGINT) when this process dies.
    ///
    /// The signal comes when the *thread* dies that has started the program; the library starts from one that lives as long as
    /// the process.
    ///
    /// - Parameters:
    ///   - program: its path.
    ///   - arguments: its arguments; the folder's path is ``descriptorPath``.
    ///   - folder: the cluster's folder.
    ///   - owner: whom to run as.
    /// - Returns: what to run.
    static func configuration(
        _ program: String,
        _ arguments: [String],
        folder: String,
        owner: ClusterOwner
    ) -> Configuration {
        var words = [folder, "setpriv", "--pdeathsig", "INT"]
        if owner.isOther { words += ["--reuid", "\(owner.userID)", "--regid", "\(owner.groupID)", "--init-groups"] }
        return shell(openThenBecome, words + ["--", program] + arguments)
    }

    /// A command of the shell, with arguments from `$0` on.
    static func shell(_ command: String, _ arguments: [String]) -> Configuration {
        var options = PlatformOptions()
        // Ctrl-C in a terminal goes to the server, which stops PostgreSQL when it is done with it.
        options.processGroupID = 0
        return Configuration(
            executable: .path("/bin/sh"),
            arguments: Arguments(["-c", command] + arguments),
            environment: environment,
            platformOptions: options
        )
    }

    /// Runs such a program to its end.
    ///
    /// - Returns: what it wrote to both outputs.
    static func runToEnd(
        _ configuration: Configuration,
        name: String,
        input: String = ""
    ) async throws(EmbeddedPostgresError)
        -> String
    {
        let result: ExecutionResult<Void, StringOutput<UTF8>, CombinedErrorOutput>
        do {
            result = try await run(
                configuration,
                input: .string(input),
                output: .string(limit: 1 << 20),
                error: .combinedWithOutput
            )
        } catch {
            throw .programFailed(name, words: "\(error)")
        }
        let words = result.standardOutput
        guard result.terminationStatus.isSuccess else {
            throw .programFailed(name, words: lastWords(words.split(whereSeparator: \.isNewline).map(String.init)))
        }
        return words
    }

    /// What to tell of a program's output: the first line with an error and what follows, or the last lines.
    static func lastWords(_ lines: [String]) -> String {
        let marks = ["FATAL:", "PANIC:", "ERROR:", "error:"]
        let start = lines.firstIndex { line in marks.contains { line.contains($0) } } ?? max(lines.count - 3, 0)
        let words = lines[start...].prefix(4).map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: "; ")
        return words.isEmpty ? "it said nothing" : words
    }
}
