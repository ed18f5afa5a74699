import Kernel
import Testing

@testable import Mail

@Suite("The SMTP client's decisions")
struct SMTPClientMachineTests {
    private func machine(_ url: String, size: Int = 100) throws -> SMTPClientMachine {
        let envelope = SMTPClientMachine.Envelope(
            sender: try #require(MailAddress("mail@a.example")),
            recipient: try #require(MailAddress("ada@b.example")),
            size: size
        )
        return SMTPClientMachine(try SMTPConfiguration(url: url), envelope, clientName: "[192.0.2.1]")
    }

    /// What the client does, in words: `+TLS` secures, `DOCUMENT` sends it, and the end is one of `delivered`, `temporary`,
    /// `permanent`.
    private func conversation(_ url: String, _ replies: [String]) throws -> [String] {
        var machine = try machine(url)
        var reader = SMTPReplyReader()
        var actions: [String] = []
        for text in replies {
            var bytes = ArraySlice((text + "\n").utf8)
            let reply = try #require(try reader.read(&bytes))
            switch machine.received(reply) {
            case .send(let line): actions.append(line)
            case .secure(let line): actions += ["+TLS", line]
            case .sendDocument: actions.append("DOCUMENT")
            case .finish(nil, _): actions.append("delivered")
            case .finish(.temporary, let quit): actions.append(quit ? "temporary" : "temporary, cut")
            case .finish(.permanent, _): actions.append("permanent")
            case .none: actions.append("-")
            }
        }
        return actions
    }

    private static let ehlo = "EHLO [192.0.2.1]"
    private static let from = "MAIL FROM:<mail@a.example>"
    private static let to = "RCPT TO:<ada@b.example>"
    private static let mail = ["250 ok", "250 ok", "354 go", "250 taken"]
    private static let sent = [from, to, "DATA", "DOCUMENT", "delivered"]

    @Test(
        "a mail goes the way that the server's offers and the configuration leave",
        arguments: [
            ("smtps://h", ["220 hi", "250 h"] + mail, [ehlo] + sent),
            (
                "smtp://h", ["220 hi", "250-h\n250 STARTTLS", "220 go", "250 h"] + mail,
                [ehlo, "STARTTLS", "+TLS", ehlo] + sent
            ),
            ("smtp://localhost", ["220 hi", "250 h"] + mail, [ehlo] + sent),
            ("smtp://localhost", ["220 hi", "500 what?", "250 h"] + mail, [ehlo, "HELO [192.0.2.1]"] + sent),
            ("smtp://h?starttls=optional", ["220 hi", "250 h"] + mail, [ehlo] + sent),
            (
                "smtps://h", ["220-hi\n220 there", "250-h\n250-8BITMIME\n250 SIZE 1000"] + mail,
                [ehlo, from + " SIZE=100"] + sent.dropFirst()
            ),
            ("smtps://h", ["220 hi", "250 h", "250", "252 perhaps", "354", "250"], [ehlo] + sent),
            // AGEAYg== is \0a\0b.
            (
                "smtps://a:b@h", ["220 hi", "250-h\n250 AUTH LOGIN PLAIN", "235 you"] + mail,
                [ehlo, "AUTH PLAIN AGEAYg=="] + sent
            ),
            (
                "smtps://a:b@h",
                ["220 hi", "250-h\n250 AUTH=LOGIN", "334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", "235"] + mail,
                [ehlo, "AUTH LOGIN", "YQ==", "Yg=="] + sent
            ),
            (
                "smtp://a:b@h", ["220 hi", "250-h\n250 STARTTLS", "220 go", "250-h\n250 AUTH PLAIN", "235"] + mail,
                [ehlo, "STARTTLS", "+TLS", ehlo, "AUTH PLAIN AGEAYg=="] + sent
            ),
        ] as [(String, [String], [String])]
    )
    func ways(url: String, replies: [String], actions: [String]) throws {
        #expect(try conversation(url, replies) == actions)
    }

    @Test(
        "without TLS nothing goes where it has to be, and a password never; what was offered before TLS does not count",
        arguments: [
            ("smtp://h", ["220 hi", "250 h"], [ehlo, "temporary"]),
            ("smtp://h", ["220 hi", "502 what?"], [ehlo, "temporary"]),
            ("smtp://h", ["220 hi", "250-h\n250 STARTTLS", "454 not now"], [ehlo, "STARTTLS", "temporary"]),
            ("smtp://a:b@h?starttls=optional", ["220 hi", "250-h\n250 AUTH PLAIN"], [ehlo, "temporary"]),
            ("smtp://a:b@localhost", ["220 hi", "500 what?"], [ehlo, "temporary"]),
            (
                "smtp://a:b@h", ["220 hi", "250-h\n250-STARTTLS\n250 AUTH PLAIN", "220 go", "250 h"],
                [ehlo, "STARTTLS", "+TLS", ehlo, "temporary"]
            ),
        ] as [(String, [String], [String])]
    )
    func security(url: String, replies: [String], actions: [String]) throws {
        #expect(try conversation(url, replies) == actions)
    }

    @Test(
        "5yz about the mail is for good; 4yz, and whatever is not about the mail, is for now",
        arguments: [
            (["554 no"], "temporary"), (["220 hi", "550 no"], "temporary"),
            (["220 hi", "250 h", "550 no"], "permanent"),
            (["220 hi", "250 h", "451 later"], "temporary"), (["220 hi", "250 h", "250", "550 nobody"], "permanent"),
            (["220 hi", "250 h", "250", "450 busy"], "temporary"),
            (["220 hi", "250 h", "250", "250", "554 no"], "permanent"),
            (["220 hi", "250 h", "250", "250", "354", "552 large"], "permanent"),
            (["220 hi", "250 h", "250", "250", "354", "452 full"], "temporary"),
            (["220 hi", "250 h", "421 bye"], "temporary, cut"), (["220 hi", "250 h", "354 odd"], "temporary"),
            (["220 hi", "250 h", "250", "250", "250 odd"], "temporary"),
        ]
    )
    func refusals(replies: [String], end: String) throws {
        #expect(try conversation("smtps://h", replies).last == end)
    }

    @Test("a wrong password is for now: an operator mends it")
    func wrongPassword() throws {
        let actions = try conversation("smtps://a:b@h", ["220 hi", "250-h\n250 AUTH PLAIN", "535 no"])
        #expect(actions.last == "temporary")
    }

    @Test("a mail that is larger than the server takes is not sent")
    func large() throws {
        var machine = try machine("smtps://h", size: 1001)
        _ = machine.received(SMTPReply(code: 220, lines: ["hi"]))
        let action = machine.received(SMTPReply(code: 250, lines: ["h", "SIZE 1000"]))
        #expect(action == .finish(.permanent("the mail has 1001 bytes, and the server takes 1000"), withQuit: true))
    }

    @Test("it ends once: what comes after that changes nothing")
    func once() throws {
        var machine = try machine("smtps://h")
        #expect(machine.failed("cut") == .finish(.temporary("cut (before its greeting)"), withQuit: false))
        #expect(machine.failed("cut") == .none)
        #expect(machine.received(SMTPReply(code: 220, lines: [""])) == .none)
    }
}

@Suite("Replies of an SMTP server")
struct SMTPReplyReaderTests {
    @Test("replies are read however they are cut, and glued together")
    func cuts() throws {
        let text = "220 hi there\r\n250-first\r\n250-\r\n250 last\r\n354\r\n"
        let replies = [
            SMTPReply(code: 220, lines: ["hi there"]), SMTPReply(code: 250, lines: ["first", "", "last"]),
            SMTPReply(code: 354, lines: [""]),
        ]
        for size in [1, 2, 3, 7, text.utf8.count] {
            var reader = SMTPReplyReader()
            var read: [SMTPReply] = []
            var rest = ArraySlice(text.utf8)
            while !rest.isEmpty {
                var piece = rest.prefix(size)
                rest = rest.dropFirst(size)
                while !piece.isEmpty {
                    if let reply = try reader.read(&piece) { read.append(reply) }
                }
            }
            #expect(read == replies)
        }
    }

    @Test(
        "what is no reply is refused",
        arguments: ["HTTP/1.1 400 Bad Request", "25", "199 low", "600 high", "250+x", "250-a\n251 b", "²50 x", ""]
    )
    func malformed(text: String) {
        var reader = SMTPReplyReader()
        #expect(throws: SMTPReplyReader.Fault.self) {
            var bytes = ArraySlice((text + "\n").utf8)
            while !bytes.isEmpty { _ = try reader.read(&bytes) }
        }
    }

    @Test("neither a line nor a reply grows without end")
    func bounds() {
        var reader = SMTPReplyReader()
        var line = ArraySlice([UInt8](repeating: 0x32, count: 10_000))
        #expect(throws: SMTPReplyReader.Fault.tooLong) { try reader.read(&line) }
        reader = SMTPReplyReader()
        var lines = ArraySlice(String(repeating: "250-x\n", count: 1000).utf8)
        #expect(throws: SMTPReplyReader.Fault.tooLong) { try reader.read(&lines) }
    }
}

@Suite("The SMTP server's URL")
struct SMTPConfigurationTests {
    @Test(
        "scheme, host, port and credentials are read",
        arguments: [
            ("smtp://mail.example", "smtp://mail.example:587", .startTLS),
            ("smtps://mail.example", "smtps://mail.example:465", .implicit),
            ("smtp://u:p@mail.example:25", "smtp://u:***@mail.example:25", .startTLS),
            ("smtp://localhost:1025", "smtp://localhost:1025", .opportunistic),
            ("smtp://127.0.0.1", "smtp://127.0.0.1:587", .opportunistic),
            ("smtp://[::1]:25", "smtp://::1:25", .opportunistic),
            ("smtp://127.example", "smtp://127.example:587", .startTLS),
            ("smtp://h?starttls=optional", "smtp://h:587", .opportunistic),
            ("smtp://localhost?starttls=required", "smtp://localhost:587", .startTLS),
        ] as [(String, String, SMTPConfiguration.Security)]
    )
    func valid(url: String, description: String, security: SMTPConfiguration.Security) throws {
        let configuration = try SMTPConfiguration(url: url)
        #expect(configuration.description == description && configuration.security == security)
    }

    @Test("escapes in user and password are undone, and the password is never described")
    func credentials() throws {
        let configuration = try SMTPConfiguration(url: "smtps://me%40a.example:s%3A%2F%C3%BC@h")
        #expect(configuration.credentials == .init(user: "me@a.example", password: "s:/ü"))
        #expect(!"\(configuration)".contains("ü"))
    }

    @Test(
        "what cannot be is refused, without showing the URL",
        arguments: [
            "", "mail.example", "http://u:secret@h", "smtp://", "smtp://u@h", "smtp://:secret@h", "smtp://h:0",
            "smtp://h:65536",
            "smtp://u:secret@h/path", "smtp://h?tls=no", "smtp://h?starttls=perhaps", "smtp://u:secret%00@h",
            "smtp://h#x",
        ]
    )
    func invalid(url: String) {
        let fault = #expect(throws: SMTPConfiguration.Fault.self) { try SMTPConfiguration(url: url) }
        #expect(fault?.description.contains("secret") == false)
    }
}
