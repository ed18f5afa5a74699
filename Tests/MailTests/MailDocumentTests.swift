import Foundation
import Kernel
import TestSupport
import Testing

@testable import Mail

@Suite("Mail as it travels")
struct MailDocumentTests {
    @Test("a mail with HTML is these bytes")
    func golden() throws {
        let message = mail(subject: "Grüße", text: "Hello Ada,\n\n.done\n", html: "<p>Ünder</p>")
        let document = try MailDocument(message, from: sender(), at: writtenAt)
        #expect(
            String(decoding: document.bytes, as: UTF8.self) == """
                Date: Thu, 26 Nov 2026 21:05:09 +0000\r
                From: "Lyceum"\r
                 <mail@lyceum.example>\r
                To: <ada@example.org>\r
                Message-ID: <m1@lyceum.example>\r
                Subject: =?UTF-8?B?R3LDvMOfZQ==?=\r
                Auto-Submitted: auto-generated\r
                MIME-Version: 1.0\r
                Content-Type: multipart/alternative;\r
                 boundary="=_m1"\r
                \r
                --=_m1\r
                Content-Type: text/plain; charset=utf-8\r
                Content-Transfer-Encoding: quoted-printable\r
                \r
                Hello Ada,\r
                \r
                .done\r
                \r
                --=_m1\r
                Content-Type: text/html; charset=utf-8\r
                Content-Transfer-Encoding: quoted-printable\r
                \r
                <p>=C3=9Cnder</p>\r
                \r
                --=_m1--\r\n
                """
        )
    }

    @Test(
        "Python's email package reads what was written, without finding fault with it",
        arguments: [
            "Confirm your address", "Grüße aus Köln", "emoji 👩‍👩‍👧‍👦 " + String(repeating: "家族", count: 60),
            "=?UTF-8?B?eA==?=",
            String(repeating: "long ", count: 100) + "end", "quotes \" and \\ backslashes", "",
        ]
    )
    func parsedSubjects(subject: String) async throws {
        let message = mail(subject: subject, text: "Zeile 1\r\nZeile 2 – größer\nlast ", html: "<b>\(subject)</b>")
        let document = try MailDocument(
            message,
            from: sender("\(subject.prefix(40)) <mail@lyceum.example>"),
            at: writtenAt
        )
        let read = try await parsed(document)
        #expect(read.header["subject"] == subject)
        #expect(read.header["to"] == "<ada@example.org>" || read.header["to"] == "ada@example.org")
        #expect(read.header["message-id"] == "<m1@lyceum.example>")
        #expect(read.header["from"]?.hasSuffix("<mail@lyceum.example>") == true || subject.isEmpty)
        #expect(read.header["date"] == "Thu, 26 Nov 2026 21:05:09 +0000")
        #expect(read.text == "Zeile 1\nZeile 2 – größer\nlast \n" && read.html == "<b>\(subject)</b>\n")
        #expect(read.defects == [] && read.longestLine <= 78)
    }

    @Test("a mail without HTML has one part")
    func plain() async throws {
        let read = try await parsed(
            try MailDocument(mail(text: "a\n\n\nb"), from: sender("mail@lyceum.example"), at: writtenAt)
        )
        #expect(read.text == "a\n\n\nb\n" && read.html == nil && read.defects == [])
        #expect(read.header["content-type"]?.hasPrefix("text/plain") == true)
    }

    @Test(
        "no text becomes a field of the header or ends it",
        arguments: [
            "x\r\nBcc: eve@example.org", "x\nBcc: eve@example.org", "x\rBcc: eve@example.org", "x\r\n\r\nBcc: body",
            "x\u{2028}Bcc: eve@example.org", "x\u{85}Bcc: y", "x\0\r\n.\r\nMAIL FROM:<eve@example.org>",
        ]
    )
    func injection(text: String) async throws {
        let message = mail(subject: text, text: text, html: text)
        let document = try MailDocument(message, from: sender("\(text) <mail@lyceum.example>"), at: writtenAt)
        let read = try await parsed(document)
        #expect(
            Set(read.header.keys) == [
                "date", "from", "to", "message-id", "subject", "auto-submitted", "mime-version", "content-type",
            ]
        )
        #expect(read.header["subject"]?.contains { $0.isNewline } == false)
        // A CR or LF comes only as a pair.
        let lines = String(decoding: document.bytes, as: UTF8.self).components(separatedBy: "\r\n")
        #expect(!lines.joined().unicodeScalars.contains { $0 == "\r" || $0 == "\n" || $0 == "\0" })
    }

    @Test(
        "what is no address is refused for good, and so are identifiers with other characters",
        arguments: [
            ("", "m1"), ("ada", "m1"), ("@example.org", "m1"), ("ada@", "m1"),
            ("ada@example.org\r\nRCPT TO:<x@y>", "m1"),
            ("ada@example.org>", "m1"), ("<ada@example.org", "m1"), ("a da@example.org", "m1"),
            ("ada@exa_mple.org", "m1"),
            ("ada@-example.org", "m1"), ("a..b@example.org", "m1"), ("\"a b\"@example.org", "m1"),
            ("ädä@example.org", "m1"),
            ("ada@exämple.org", "m1"), (String(repeating: "a", count: 65) + "@example.org", "m1"),
            ("a@" + String(repeating: "b", count: 64), "m1"),
            ("a@" + Array(repeating: "bb", count: 100).joined(separator: "."), "m1"),
            ("ada@example.org", ""), ("ada@example.org", "a/b"), ("ada@example.org", "a\r\nb"),
            ("ada@example.org", ".."),
            ("ada@example.org", "a@b"), ("ada@example.org", String(repeating: "a", count: 129)),
        ]
    )
    func refusals(to: String, messageID: String) throws {
        let sender = try sender()
        let error = #expect(throws: MailError.self) {
            try MailDocument(mail(to: to, messageID: messageID), from: sender, at: writtenAt)
        }
        guard case .permanent = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(
        "addresses with unusual characters that mean nothing are taken",
        arguments: ["o'hara+x=y@a.b-c.example", "x@localhost"]
    )
    func addresses(address: String) throws {
        #expect(try MailDocument(mail(to: address), from: sender(), at: writtenAt).recipient.description == address)
    }

    @Test(
        "a sender is an address with or without a name",
        arguments: [
            ("mail@a.example", "", "mail@a.example"), ("The  School <mail@a.example>", "The School", "mail@a.example"),
            ("\"A, B\" <mail@a.example>", "A, B", "mail@a.example"), ("<mail@a.example>", "", "mail@a.example"),
            ("nobody", nil, nil), ("x <y>", nil, nil), ("", nil, nil), (">", nil, nil),
        ] as [(String, String?, String?)]
    )
    func senders(text: String, name: String?, address: String?) {
        let sender = MailSender(text)
        #expect(sender?.name == name && sender?.address.description == address)
    }

    @Test("a dot at the start of a line is doubled, and a single one ends the mail")
    func dots() throws {
        let document = try MailDocument(mail(text: ".\n..\na.\n"), from: sender(), at: writtenAt)
        let text = String(decoding: document.dotStuffed, as: UTF8.self)
        #expect(text.hasSuffix("\r\n\r\n..\r\n...\r\na.\r\n.\r\n"))
        #expect(text.components(separatedBy: "\r\n.\r\n").count == 2)
    }

    @Test("quoted-printable lines are short, of ASCII, and end without white space")
    func quotedPrintable() {
        for text in [
            "", "\n", String(repeating: "x", count: 77), String(repeating: "ü", count: 400), "a \nb\t\n =\u{0}",
            "a\rb\r\nc",
        ] {
            let lines = String(decoding: QuotedPrintable.encode(text), as: UTF8.self).components(separatedBy: "\r\n")
            #expect(lines.last == "")
            for line in lines {
                #expect(line.utf8.count <= 76 && line.utf8.allSatisfy { (0x20...0x7E).contains($0) || $0 == 0x09 })
                #expect(!line.hasSuffix(" ") && !line.hasSuffix("\t"))
            }
        }
        #expect(QuotedPrintable.encode("a\rb\r\nc =") == Array("a\r\nb\r\nc =3D\r\n".utf8))
    }
}
