import Foundation
import TestSupport
import Testing

/// Somebody at a terminal: curl, with a jar of cookies that any server on this machine gets to see.
struct PlatformVisitor: Sendable {
    /// What came back.
    struct Reply: Sendable {
        let status: Int
        let location: String
        let contentType: String
        let text: String

        /// Whether it is a page of the site that says that it cannot be had now.
        var isStyledUnavailability: Bool {
            status == 503 && contentType.hasPrefix("text/html") && text.contains("/static/") && text.contains("<main")
        }
    }

    private let jar: TemporaryFolder

    init() throws { jar = try TemporaryFolder() }

    /// Somebody with the same cookies.
    func copy() throws -> PlatformVisitor {
        let other = try PlatformVisitor()
        try other.jar.write("cookies", try jar.read("cookies"))
        return other
    }

    /// Asks for a page; redirects are not followed.
    func get(_ url: String) async throws -> Reply { try await send(url, []) }

    /// Sends a form with its hidden fields, as a page of the same server shows it.
    func submit(_ form: Reply, to url: String, _ fields: [(name: String, value: String)]) async throws -> Reply {
        let hidden = [("csrf", /name="csrf" value="([^"]*)"/), ("token", /name="token" value="([^"]*)"/)].compactMap {
            (name, field) in form.text.firstMatch(of: field).map { (name, String($0.1)) }
        }
        let origin = URL(string: url).map { "\($0.scheme ?? "")://\($0.host ?? ""):\($0.port ?? 0)" } ?? ""
        let data = (fields + hidden).flatMap { ["--data-urlencode", "\($0.0)=\($0.1)"] }
        return try await send(url, ["--header", "Origin: \(origin)"] + data)
    }

    private func send(_ url: String, _ arguments: [String]) async throws -> Reply {
        let cookies = jar.file("cookies")
        let output = try await Tool.check(
            "curl",
            [
                "--silent", "--show-error", "--noproxy", "*", "--max-time", "20", "--cookie", cookies, "--cookie-jar",
                cookies,
                "--write-out", "\n%{http_code}\n%header{location}\n%{content_type}",
            ] + arguments + [url]
        )
        let lines = output.text.split(separator: "\n", omittingEmptySubsequences: false)
        let tail = lines.suffix(3).map(String.init)
        return Reply(
            status: Int(tail[0]) ?? 0,
            location: tail[1],
            contentType: tail[2],
            text: lines.dropLast(3).joined(separator: "\n")
        )
    }
}

extension PlatformVisitor {
    /// Makes the administrator's account, and is signed in then.
    func makeFirstAccount(_ platform: PlatformServer, handle: String = "ada") async throws {
        let page = try await get(platform.url(platform.firstAccountPath))
        let reply = try await submit(
            page,
            to: platform.url("/first-account"),
            [("email", "\(handle)@example.org"), ("handle", handle), ("password", PlatformServer.password)]
        )
        try #require(reply.status == 303, "\(reply.text)")
    }

    /// Signs in.
    func signIn(_ platform: PlatformServer, handle: String = "ada") async throws -> Reply {
        try await submit(
            try await get(platform.url("/sign-in")),
            to: platform.url("/sign-in"),
            [("email", "\(handle)@example.org"), ("password", PlatformServer.password)]
        )
    }

    /// Whether it is signed in, as a server sees it.
    func isSignedIn(_ platform: PlatformServer) async throws -> Bool {
        let reply = try await get(platform.url("/account/profile"))
        guard reply.status == 200 else {
            #expect(reply.status == 303 && reply.location.hasPrefix("/sign-in"), "\(reply.status)")
            return false
        }
        return true
    }
}

/// The PostgreSQL in a server's data folder, as the system sees it.
struct EmbeddedProcesses: Sendable {
    /// The process that all others are children of.
    let postmaster: Int32
    /// All of them.
    let all: [Int32]
    private let folder: String

    /// Those that run now; `nil` when there are none.
    init?(dataFolder: TemporaryFolder) {
        folder = dataFolder.path
        let lines = (try? String(contentsOfFile: "\(folder)/postgres/cluster/postmaster.pid", encoding: .utf8)) ?? ""
        guard let number = lines.split(separator: "\n").first.flatMap({ Int32($0) }) else { return nil }
        postmaster = number
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        all = [number] + processes.compactMap { Int32($0) }.filter { Self.parent(of: $0) == number }
    }

    private static func parent(of process: Int32) -> Int32? {
        let text = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
        // The name in parentheses may have anything in it.
        return text.split(separator: ")").last?.split(separator: " ").dropFirst().first.flatMap { Int32($0) }
    }

    /// Where clients find it.
    var socket: String { "\(folder)/postgres/socket/.s.PGSQL.5432" }

    /// Waits until all of them have ended.
    func waitForEnd(within limit: Duration = .seconds(15)) async throws {
        let wait = """
            import os, select, sys
            for number in sys.argv[1:]:
                try: descriptor = os.pidfd_open(int(number))
                except ProcessLookupError: continue
                select.select([descriptor], [], [])
            """
        let output = try await Tool.run("python3", ["-c", wait] + all.map(String.init), within: limit)
        #expect(output.exit == .status(0), "\(output.standardError)")
    }
}
