internal import Foundation
internal import Subprocess
internal import SystemPackage

/// The programs of one major version of PostgreSQL.
struct PostgresInstallation: Hashable, Sendable {
    /// The oldest major version that Lyceum's statements run on.
    static let oldestMajor = 15
    /// Where Debian's packages are: `/usr/lib/postgresql/MAJOR/bin`.
    static let debianRoot = "/usr/lib/postgresql"
    /// What a server consists of.
    static let serverPrograms = ["postgres", "initdb"]

    /// The folder of the programs.
    let directory: String
    /// The major version.
    let major: Int

    /// The path of a program.
    func program(_ name: String) -> String { "\(directory)/\(name)" }

    /// The one to use: the data's version if there is data, the newest otherwise.
    ///
    /// - Parameters:
    ///   - installed: what is there, the preferred first among equals.
    ///   - data: the major version that has written the data; `nil` when there is none.
    /// - Returns: `nil` when none fits.
    static func choose(from installed: [PostgresInstallation], data: Int?) -> PostgresInstallation? {
        if let data { return installed.first { $0.major == data } }
        let newest = installed.map(\.major).max()
        return installed.first { $0.major == newest }
    }

    /// The major version in what `postgres --version` says, such as `postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)`.
    static func major(in versionLine: String) -> Int? {
        let words = versionLine.split(whereSeparator: \.isWhitespace)
        guard words.count >= 3, words[1] == "(PostgreSQL)" else { return nil }
        return Int(words[2].prefix { $0.isASCII && $0.isNumber })
    }
}

/// Where programs of PostgreSQL are looked for.
struct InstallationSearch: Sendable {
    /// A folder that was named by the operator; no other is looked at then.
    var configured: String?
    /// The folder of Debian's folders, one for each version.
    var debianRoot = PostgresInstallation.debianRoot
    /// The folders of PATH.
    var path: [String] = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)

    /// The places, in words.
    var places: [String] { configured.map { [$0] } ?? [debianRoot, "PATH"] }

    /// Every installation that has all of some programs and is new enough, Debian's first.
    func installations(with programs: [String]) async -> [PostgresInstallation] {
        var found: [PostgresInstallation] = []
        for directory in directories where Self.hasAll(programs, directory) {
            guard let program = programs.first, let major = await Self.major("\(directory)/\(program)"),
                major >= PostgresInstallation.oldestMajor
            else { continue }
            found.append(PostgresInstallation(directory: directory, major: major))
        }
        return found
    }

    private var directories: [String] {
        if let configured { return [configured] }
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: debianRoot)) ?? []).compactMap { Int($0) }
        return versions.sorted(by: >).map { "\(debianRoot)/\($0)/bin" } + path
    }

    private static func hasAll(_ programs: [String], _ directory: String) -> Bool {
        programs.allSatisfy { FileManager.default.isExecutableFile(atPath: "\(directory)/\($0)") }
    }

    private static func major(_ program: String) async -> Int? {
        let result = try? await run(
            .path(FilePath(program)),
            arguments: ["--version"],
            environment: ClusterCommand.environment,
            output: .string(limit: 4096)
        )
        guard let result, result.terminationStatus.isSuccess else { return nil }
        return PostgresInstallation.major(in: result.standardOutput)
    }
}
