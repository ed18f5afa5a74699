import Testing

@testable import Accounts

@Suite("E-mail addresses")
struct EmailAddressTests {
    @Test(
        "addresses people have are taken, without the white space around them",
        arguments: [
            ("ada@example.org", "ada@example.org"),
            ("  Ada.Lovelace+video@Mail.Example.ORG\r\n", "Ada.Lovelace+video@Mail.Example.ORG"),
            ("a@b.co", "a@b.co"), ("o'neil@example.ie", "o'neil@example.ie"),
            ("x@xn--bcher-kva.example", "x@xn--bcher-kva.example"),
        ]
    )
    func taken(_ typed: String, _ text: String) {
        #expect(EmailAddress(typed)?.text == text)
    }

    @Test(
        "what is no address, or could hide in a header or a page, is refused",
        arguments: [
            "", " ", "@", "a@", "@b.org", "a@b", "a b@example.org", "a@exa mple.org", "a@@example.org",
            "a@b@example.org",
            ".a@example.org", "a.@example.org", "a..b@example.org", "a@-b.org", "a@b-.org", "a@.org", "a@b..org",
            "a@b.org.",
            "a@127.0.0.1", "a@[127.0.0.1]", "\"a\"@example.org", "a@example.org\r\nBcc: b@example.org",
            "a\0@example.org",
            "<script>@example.org", "a@example.org>", "ä@example.org", "a@ümlaut.org",
            String(repeating: "a", count: 65) + "@example.org", "a@" + String(repeating: "b", count: 64) + ".org",
            "a@" + String(repeating: "bbbbbbb.", count: 32) + "org",
        ]
    )
    func refused(_ text: String) {
        #expect(EmailAddress(text) == nil)
    }

    @Test("the longest local part and the longest address are taken")
    func longest() {
        #expect(EmailAddress(String(repeating: "a", count: 64) + "@example.org") != nil)
        let domain = String(repeating: "b123456.", count: 31) + "org"
        #expect(EmailAddress("ab@" + domain)?.text.utf8.count == 254)
        #expect(EmailAddress("abc@" + domain) == nil)
    }
}

@Suite("Handles")
struct HandleTests {
    @Test(
        "handles are 3 to 30 of a-z, 0-9 and _; capitals are made small",
        arguments: ["ada", "ADA_1815", "___x", "a2345678901234567890123456789_"]
    )
    func taken(_ text: String) throws {
        #expect(try Handle(text).text == text.lowercased())
    }

    @Test(
        "other shapes are refused",
        arguments: [
            "", "ab", "a23456789012345678901234567890_", "a b", "a-b", "a.b", "äda", "аda", "ada\n", "ada\0", "<b>",
            "../x",
        ]
    )
    func shape(_ text: String) {
        #expect(throws: Handle.Refusal.shape) { try Handle(text) }
    }

    @Test(
        "names of the platform are reserved, with digits and lines around them too",
        arguments: ["admin", "Admin", "_admin_", "admin1", "support_2", "lyceum", "api", "null"]
    )
    func reserved(_ text: String) {
        #expect(throws: Handle.Refusal.reserved) { try Handle(text) }
    }
}

@Suite("Text about oneself")
struct ProfileTextTests {
    @Test("control characters and turned text are refused, markup is only text")
    func hostile() {
        #expect(ProfileText.line(" Ada <b>\"L\"</b> ", maximum: 80) == "Ada <b>\"L\"</b>")
        #expect(ProfileText.line("a\u{202E}b", maximum: 80) == nil)
        #expect(ProfileText.line("a\0b", maximum: 80) == nil)
        #expect(ProfileText.line("a\nb", maximum: 80) == nil)
        #expect(ProfileText.line("a\u{2028}b", maximum: 80) == nil)
        #expect(ProfileText.line(String(repeating: "e", count: 81), maximum: 80) == nil)
        #expect(ProfileText.lines("a\r\nb\n", maximum: 10) == "a\nb")
        #expect(ProfileText.lines("a\u{1B}[31mb", maximum: 80) == nil)
    }
}
