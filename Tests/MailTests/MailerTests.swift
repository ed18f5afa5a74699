import Foundation
import Glibc
import Kernel
import Logging
import NIOCore
import NIOPosix
import TLS
import TestSupport
import Testing

@testable import Mail

@Suite("Mail through a real SMTP server")
struct SMTPMailerTests {
    private static let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private func mailer(
        _ url: String,
        authorities: String = "",
        replyTimeout: Duration = .seconds(60)
    ) throws -> SMTPMailer {
        var configuration = try SMTPConfiguration(url: url)
        configuration.replyTimeout = replyTimeout
        configuration.deliveryTimeout = replyTimeout
        return SMTPMailer(
            configuration,
            sender: try sender(),
            tls: try ClientTLS(authorities: authorities),
            group: MultiThreadedEventLoopGroup.singleton,
            now: { writtenAt },
            logger: Self.logger
        )
    }

    /// How sending ends; `nil` when the mail is delivered.
    private func outcome(_ mailer: SMTPMailer, _ message: MailMessage = mail()) async -> MailError? {
        do throws(MailError) {
            try await mailer.send(message)
            return nil
        } catch {
            return error
        }
    }

    private func expectTemporary(
        _ error: MailError?,
        _ words: String,
        at location: SourceLocation = #_sourceLocation
    ) {
        guard case .temporary(let text) = error, text.contains(words) else {
            Issue.record("\(String(describing: error)) instead of something with \(words)", sourceLocation: location)
            return
        }
    }

    private func catcher(_ authority: CertificateAuthority, isImplicit: Bool) async throws -> SMTPCatcher {
        try await authority.issue("mail", serial: 1)
        var options = SMTPCatcher.Options()
        options.certificate = (authority.file("mail.pem"), authority.file("mail.key"))
        options.isTLSImplicit = isImplicit
        options.credentials = ("lyceum", "p@ss wörd")
        return try await SMTPCatcher.start(options)
    }

    @Test("a mail arrives as it was written")
    func arrives() async throws {
        let catcher = try await SMTPCatcher.start()
        let text = "Hello,\n.\n..dots\n" + String(repeating: "lang, größer ", count: 50) + "\nend"
        let message = mail(subject: "Grüße", text: text, html: "<p>\(text)</p>", messageID: "abc.1")
        try await mailer("smtp://localhost:\(catcher.port)").send(message)
        let mail = try await catcher.mail()
        #expect(mail.sender == "mail@lyceum.example" && mail.recipients == ["ada@example.org"])
        #expect(mail.text == text + "\n" && mail.html == "<p>\(text)</p>\n" && mail.header["subject"] == "Grüße")
        #expect(mail.header["message-id"] == "<abc.1@lyceum.example>" && mail.defects == [] && mail.longestLine <= 78)
        #expect(mail.client == "[127.0.0.1]" && !mail.isSecure)
    }

    @Test("STARTTLS and TLS from the start carry the password and the mail", arguments: [false, true])
    func secured(isImplicit: Bool) async throws {
        let authority = try await CertificateAuthority()
        let catcher = try await catcher(authority, isImplicit: isImplicit)
        let url = "\(isImplicit ? "smtps" : "smtp")://lyceum:p%40ss%20w%C3%B6rd@localhost:\(catcher.port)"
        try await mailer(url, authorities: authority.file("ca.pem")).send(mail())
        let mail = try await catcher.mail()
        #expect(mail.isSecure && mail.user == "lyceum")
        let wrong = try mailer(
            "smtp\(isImplicit ? "s" : "")://lyceum:no@localhost:\(catcher.port)",
            authorities: authority.file("ca.pem")
        )
        expectTemporary(await outcome(wrong), "to AUTH: 535")
    }

    @Test("a server whose certificate is not signed by a known authority gets nothing", arguments: [false, true])
    func unknownAuthority(isImplicit: Bool) async throws {
        let catcher = try await catcher(try await CertificateAuthority(), isImplicit: isImplicit)
        let scheme = isImplicit ? "smtps" : "smtp"
        let mailer = try mailer("\(scheme)://lyceum:p%40ss%20w%C3%B6rd@localhost:\(catcher.port)")
        expectTemporary(await outcome(mailer), "CERTIFICATE_VERIFY_FAILED")
        #expect(try catcher.mails.isEmpty)
    }

    @Test("AUTH LOGIN is used where there is no PLAIN", arguments: ["LOGIN", "PLAIN"])
    func mechanisms(mechanism: String) async throws {
        var options = SMTPCatcher.Options()
        options.credentials = ("lyceum", "secret")
        options.mechanism = mechanism
        let catcher = try await SMTPCatcher.start(options)
        try await mailer("smtp://lyceum:secret@localhost:\(catcher.port)").send(mail())
        let mail = try await catcher.mail()
        #expect(mail.user == "lyceum")
    }

    @Test("where TLS is a must, a server without it gets nothing")
    func noTLS() async throws {
        let catcher = try await SMTPCatcher.start()
        let mailer = try mailer("smtp://localhost:\(catcher.port)?starttls=required")
        expectTemporary(await outcome(mailer), "no STARTTLS")
        #expect(try catcher.mails.isEmpty)
    }

    @Test("a recipient that is refused is refused for good or for now, as the server says; the next one gets mail")
    func refused() async throws {
        let catcher = try await SMTPCatcher.start()
        let mailer = try mailer("smtp://localhost:\(catcher.port)")
        for prefix in ["", "data-"] {
            let place = prefix.isEmpty ? "RCPT" : "the mail"
            let refused = await outcome(mailer, mail(to: "\(prefix)refused@example.org"))
            #expect(refused == .permanent("the server answered to \(place): 550 5.1.1 nobody of that name"))
            expectTemporary(
                await outcome(mailer, mail(to: "\(prefix)busy@example.org")),
                "to \(place): 451 4.3.0 later"
            )
        }
        #expect(await outcome(mailer) == nil)
        #expect(try await catcher.mail().recipients == ["ada@example.org"])
    }

    @Test("a mail that is larger than the server takes is refused for good, unsent")
    func large() async throws {
        var options = SMTPCatcher.Options()
        options.largestMessage = 2000
        let catcher = try await SMTPCatcher.start(options)
        let mailer = try mailer("smtp://localhost:\(catcher.port)")
        let error = await outcome(mailer, mail(text: String(repeating: "x", count: 3000)))
        guard case .permanent(let words) = error, words.hasSuffix("the server takes 2000") else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("a server that hangs or cuts is tried again later", arguments: ["", "data-"])
    func broken(prefix: String) async throws {
        let catcher = try await SMTPCatcher.start()
        let url = "smtp://localhost:\(catcher.port)"
        expectTemporary(await outcome(try mailer(url), mail(to: "\(prefix)cut@example.org")), "closed")
        let hasty = try mailer(url, replyTimeout: .milliseconds(200))
        expectTemporary(await outcome(hasty, mail(to: "\(prefix)hang@example.org")), "did not answer")
    }

    @Test(
        "what is no SMTP server, is silent, or speaks before TLS what should come after it, gets no mail",
        arguments: [
            (["HTTP/1.1 400 Bad Request\r\n\r\n"], false, "no SMTP"), ([], true, "did not answer"),
            ([], false, "closed"),
            (["220 hi\r\n", "250-h\r\n250 STARTTLS\r\n", "220 go\r\n250 injected\r\n"], true, "more before TLS"),
            (["220 hi\r\n", "250-h\r\n250 STARTTLS\r\n", "220 go\r\n", "no TLS at all\r\n"], true, "TLS"),
        ] as [([String], Bool, String)]
    )
    func hostile(script: [String], hangs: Bool, words: String) async throws {
        let server = try await ScriptedServer(script, hangs: hangs)
        let limit: Duration = words == "did not answer" ? .milliseconds(100) : .seconds(30)
        expectTemporary(await outcome(try mailer("smtp://127.0.0.1:\(server.port)", replyTimeout: limit)), words)
    }

    @Test("nobody listening, and a name that nobody has, are for now")
    func unreachable() async throws {
        let server = try await ScriptedServer([])
        let port = server.port
        try await server.stop()
        expectTemporary(await outcome(try mailer("smtp://127.0.0.1:\(port)")), "refused")
        expectTemporary(await outcome(try mailer("smtp://no-such-name.invalid")), "not found")
    }

    @Test("a task that is cancelled does not wait for the server")
    func cancelled() async throws {
        let catcher = try await SMTPCatcher.start()
        let mailer = try mailer("smtp://localhost:\(catcher.port)")
        let task = Task { await outcome(mailer, mail(to: "hang@example.org")) }
        task.cancel()
        expectTemporary(await task.value, "closed")
    }
}

@Suite("Mail into a folder")
struct FolderMailerTests {
    @Test("each mail is a file of its own that a mail program reads and only its owner can open")
    func files() async throws {
        let folder = try TemporaryFolder()
        let mailer = FolderMailer(folder: folder.file("a/mail"), sender: try sender(), now: { writtenAt })
        try await mailer.send(mail(text: "one", messageID: "m1"))
        try await mailer.send(mail(text: "two", messageID: "m2"))
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.file("a/mail")).sorted()
        #expect(names == ["20261126T210509.000Z-m1.eml", "20261126T210509.000Z-m2.eml"])
        let read = try await SMTPCatcher.read(folder.file("a/mail/\(names[1])"))
        #expect(read.text == "two\n" && read.header["to"]?.contains("ada@example.org") == true)
        for path in ["a/mail", "a/mail/\(names[0])"] {
            var status = stat()
            try #require(stat(folder.file(path), &status) == 0)
            #expect(status.st_mode & 0o077 == 0)
        }
    }

    @Test("a folder that cannot be made is for now, an address that is none for good")
    func failures() async throws {
        let folder = try TemporaryFolder()
        try folder.write("file", "x")
        let mailer = FolderMailer(folder: folder.file("file/mail"), sender: try sender(), now: { writtenAt })
        var error = await #expect(throws: MailError.self) { try await mailer.send(mail()) }
        guard case .temporary = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        error = await #expect(throws: MailError.self) { try await mailer.send(mail(to: "x")) }
        #expect(error == .permanent("\"x\" is no address that mail can be sent to"))
    }
}
