import Foundation
import PlatformTestSupport
import Postgres
import TestSupport
import Testing

/// A PostgreSQL that somebody else runs.
@Suite("Another database", .serialized)
struct ExternalDatabaseTests {
    @Test(
        "over TLS with its certificate checked; with the wrong authority pages say that they are not there, and media serves"
    )
    func overTLS() async throws {
        let (authority, stranger) = (try await CertificateAuthority(), try await CertificateAuthority())
        let cluster = try await Self.secureCluster(authority)
        let test = try await TestDatabase.make(on: cluster)
        let url =
            try "postgresql://postgres@localhost:\(#require(test.configuration.parameters["port"]))/"
            + #require(test.configuration.database) + "?sslmode=verify-full&sslrootcert="
        let platform = try await PlatformServer.start(environment: [
            "LYCEUM_DATABASE_URL": url + authority.file("ca.pem")
        ])
        let visitor = try PlatformVisitor()
        try await visitor.makeFirstAccount(platform)
        #expect(try await visitor.isSignedIn(platform))
        let connections = try await test.database.run { connection in
            try connection.query(
                """
                SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                WHERE application_name = 'lyceum' AND client_addr IS NOT NULL AND pid <> pg_backend_pid()
                """
            ) { try $0.get("ssl", as: Bool.self) }
        }
        #expect(!connections.isEmpty && connections.allSatisfy { $0 })
        #expect(EmbeddedProcesses(dataFolder: platform.server.dataFolder) == nil, "it has none of its own")

        let lost = try await ServerProcess.start(
            environment: ["LYCEUM_PLATFORM": "on", "LYCEUM_DATABASE_URL": url + stranger.file("ca.pem")]
        )
        let line = try await lost.log.line(containing: "database not ready")
        #expect(line.text.contains("certificate verify failed"), "\(line.text)")
        for path in ["/", "/sign-in", "/account/profile"] {
            #expect(try await visitor.get(lost.url(path)).isStyledUnavailability, "\(path)")
        }
        let problem = try await lost.get("/api/v1/me")
        #expect(problem.status == 503 && problem.headers["content-type"]?.hasPrefix("application/problem+json") == true)
        let publisher = try FFmpegPublisher(.test(seconds: 4), to: lost.publishURL(key: try await lost.streamKey()))
        try await LiveViewer(lost).watchToEnd()
        try await publisher.waitForExit()
        lost.terminate()
        #expect(try await lost.waitForExit() == .status(0))
        withExtendedLifetime(cluster) {}
    }

    private static func secureCluster(_ authority: CertificateAuthority) async throws -> TestCluster {
        try await authority.issue("server", serial: 2)
        let (certificate, key) = (try authority.folder.read("server.pem"), try authority.folder.read("server.key"))
        let settings = ["ssl=on", "ssl_cert_file=tls.pem", "ssl_key_file=tls.key"]
        return try await TestCluster(onTCP: true, settings: settings) { cluster in
            try cluster.writeData("tls.pem", certificate)
            try cluster.writeData("tls.key", key)
        }
    }

    @Test("two servers on one database are one site: sessions, their end, forms, and each mail once")
    func twoServers() async throws {
        let catcher = try await SMTPCatcher.start()
        let test = try await TestDatabase.make()
        let place = test.configuration.parameters
        let environment = [
            "LYCEUM_DATABASE_URL":
                "postgresql://postgres@/\(place["dbname"] ?? "")?host=\(place["host"] ?? "")&port=\(place["port"] ?? "")",
            "LYCEUM_SECRET": "thirty-two characters and then some",
            "LYCEUM_SMTP_URL": "smtp://127.0.0.1:\(catcher.port)",
        ]
        let first = try await PlatformServer.start(environment: environment)
        let visitor = try PlatformVisitor()
        try await visitor.makeFirstAccount(first)
        let second = try await PlatformServer.start(environment: environment, isNew: false)
        #expect(second.firstAccountPath.isEmpty)
        #expect(try await visitor.isSignedIn(second))

        let page = try await visitor.get(first.url("/account/profile"))
        #expect(try await visitor.submit(page, to: second.url("/account/sessions/end-others"), []).status == 303)
        // curl forgets the cookie that a sign-out takes back; whoever has copied it does not.
        let copy = try visitor.copy()
        #expect(try await copy.isSignedIn(first))
        #expect(try await visitor.submit(page, to: first.url("/sign-out"), []).status == 303)
        #expect(try await copy.isSignedIn(second) == false)
        #expect(try await copy.isSignedIn(first) == false)

        let names = ["grace", "linus", "barbara", "donald"]
        for (index, name) in names.enumerated() {
            let (asked, told) = index % 2 == 0 ? (first, second) : (second, first)
            let form = try await PlatformVisitor.signUpForm(on: asked)
            let fields = [("email", "\(name)@example.org"), ("handle", name), ("password", PlatformServer.password)]
            #expect(try await form.visitor.submit(form.page, to: told.url("/sign-up"), fields).status == 200)
        }
        _ = try await catcher.mail(names.count - 1)
        // Jobs that run come to their end first.
        for platform in [first, second] {
            platform.server.terminate()
            #expect(try await platform.server.waitForExit() == .status(0))
        }
        #expect(try catcher.mails.flatMap(\.recipients).sorted() == names.map { "\($0)@example.org" }.sorted())
    }
}

extension PlatformVisitor {
    /// A new visitor and the form that they were shown.
    fileprivate static func signUpForm(
        on platform: PlatformServer
    ) async throws -> (visitor: PlatformVisitor, page: Reply) {
        let visitor = try PlatformVisitor()
        return (visitor, try await visitor.get(platform.url("/sign-up")))
    }
}
