import HTTPTypes
import Postgres
import Testing

@testable import Accounts
@testable import Kernel

@Suite("Accounts, limits and the work in the background")
struct BackgroundTests {
    /// Hands mails to the test.
    private struct StreamMailer: Mailer {
        let sent: AsyncStream<MailMessage>.Continuation

        func send(_ message: MailMessage) async throws(MailError) { sent.yield(message) }
    }

    @Test("a wish for a new password becomes a mail by way of the work queue, and no secret stays in the queue")
    func queue() async throws {
        let site = try await TestSite()
        try await site.makeAccount("ada")
        let (mails, sent) = AsyncStream<MailMessage>.makeStream()
        let queue = WorkQueue(
            database: site.database,
            handlers: site.module.jobHandlers + [MailQueue.handler(StreamMailer(sent: sent))],
            periodic: site.module.periodicJobs,
            logger: site.log.logger
        )
        let running = Task { await queue.run() }
        for email in ["nobody@example.org", "ada@example.org"] {
            #expect(try await Browser(site).api(.post, "/password-resets", ["email": email]).status == .accepted)
        }
        let mail = try #require(await mails.first { _ in true })
        queue.stop()
        await running.value
        #expect(mail.to == "ada@example.org")
        #expect(mail.text.contains("https://lyceum.example/password/reset/"))
        let token = mail.text.split(separator: "\n").first { $0.hasPrefix("https://lyceum.example/password/reset/") }
        let secret = String(try #require(token).suffix(43))
        #expect(try await site.count("SELECT count(*) FROM job WHERE payload::text LIKE \("%\(secret)%")") == 0)
        let body = ["token": secret, "password": CredentialTests.other]
        #expect(try await Browser(site).api(.post, "/password-resets/completion", body).status == .noContent)
    }

    @Test("ASVS 2.4.1: signing up is limited by address to 5 in half an hour, signing in to 25 in five minutes")
    func limits() async throws {
        let site = try await TestSite(generousLimits: false)
        let browser = Browser(site)
        var statuses: [Int] = []
        for index in 0..<6 {
            let body = ["email": "a\(index)@example.org", "handle": "ada_\(index)", "password": TestSite.password]
            statuses.append(try await browser.api(.post, "/accounts", body).status.code)
        }
        #expect(statuses == [202, 202, 202, 202, 202, 429])
        statuses = []
        for index in 0..<26 { statuses.append(try await browser.signIn("nobody_\(index)").status.code) }
        #expect(statuses == Array(repeating: 401, count: 25) + [429])
        // Somebody at another address is not held up.
        #expect(try await Browser(site, peer: "198.51.100.9").signIn("nobody").status == .unauthorized)
    }

    @Test("a mailbox gets five mails in half an hour, however many strangers ask, and the answers do not tell")
    func mailbox() async throws {
        let site = try await TestSite(generousLimits: false)
        try await site.makeAccount("ada")
        for index in 0..<8 {
            let stranger = Browser(site, peer: "203.0.\(index).1")
            #expect(try await stranger.api(.post, "/password-resets", ["email": "ada@example.org"]).status == .accepted)
        }
        try await site.performResetJobs()
        #expect(try await site.mails(to: "ada@example.org").count == 5)
    }

    @Test("the endpoints make a table with a limit or an access on everything that changes something")
    func table() async throws {
        let site = try await TestSite()
        for endpoint in site.table.endpoints where !endpoint.method.isSafe && endpoint.access == .everyone {
            #expect(endpoint.rateLimit != nil, "\(endpoint.path)")
        }
        // ASVS 14.2.1: what is secret is neither in the query nor, but for links of mails, in the path.
        for endpoint in site.table.endpoints {
            #expect(!endpoint.parameters.contains { $0.schema.isSecret }, "\(endpoint.path)")
        }
    }
}
