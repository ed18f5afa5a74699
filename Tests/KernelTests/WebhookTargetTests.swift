import Testing

@testable import Kernel

@Suite("Where an outgoing webhook may go")
struct WebhookTargetTests {
    let policy = WebhookTargetPolicy()

    @Test(
        "an address that is not public is refused",
        arguments: [
            "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "169.254.169.254",
            "172.16.0.1", "172.31.255.255", "192.0.0.170", "192.168.1.1", "198.18.0.1", "224.0.0.1", "239.255.255.255",
            "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1",
            "fe80::1",
            "fc00::1", "fd00:ec2::254", "ff02::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
            "2002:a00:1::1", "2001::1", "2001:db8::1", "fec0::1", "100::1", "5f00::1",
        ]
    )
    func refused(text: String) throws {
        let address = try #require(IPAddress(text))
        #expect(throws: WebhookTargetError.address(address)) { try policy.addresses([address], of: "example.org") }
        let host = address.isVersion4 ? text : "[\(text)]"
        #expect(throws: WebhookTargetError.self) { try policy.target("https://\(host)/") }
    }

    @Test(
        "a public address is taken",
        arguments: [
            "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.0",
            "192.167.0.1", "198.17.255.255", "223.255.255.255", "2606:4700:4700::1111", "2a00:1450::1",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
        ]
    )
    func taken(text: String) throws {
        let address = try #require(IPAddress(text))
        // What is outside of 2000::/3 is taken only for the address within it.
        #expect(try policy.addresses([address], of: "example.org") == [address])
    }

    @Test("one bad address among good ones refuses the name, and none at all does")
    func mixed() throws {
        let good = try #require(IPAddress("1.1.1.1"))
        let bad = try #require(IPAddress("10.0.0.1"))
        #expect(throws: WebhookTargetError.address(bad)) { try policy.addresses([good, bad], of: "example.org") }
        #expect(throws: WebhookTargetError.unresolved("example.org")) { try policy.addresses([], of: "example.org") }
    }

    @Test(
        "a URL that is not plainly one is refused",
        arguments: [
            ("", WebhookTargetError.malformed), ("example.org", .malformed), ("//example.org/", .malformed),
            ("https:///path", .malformed), ("https://example.org/#part", .malformed),
            ("https://exa mple.org/", .malformed),
            ("https://example.org/\r\nHost: other", .malformed), ("https://2130706433/", .malformed),
            ("https://0x7f000001/", .malformed), ("https://0177.0.0.1/", .malformed), ("https://127.1/", .malformed),
            ("https://example..org/", .malformed), ("https://[::1%25eth0]/", .malformed),
            ("https://ex\u{0430}mple.org/", .malformed),
            ("https://" + String(repeating: "a", count: 2000) + ".org/", .malformed),
            ("ftp://example.org/", .scheme("ftp")), ("file:///etc/passwd", .scheme("file")),
            ("gopher://example.org/", .scheme("gopher")),
            ("https://user@example.org/", .credentials), ("https://user:pass@example.org/", .credentials),
            ("https://example.org:22/", .port(22)), ("https://example.org:5432/", .port(5432)),
            ("https://example.org:0/", .port(0)),
        ]
    )
    func malformed(text: String, error: WebhookTargetError) {
        #expect(throws: error) { try policy.target(text) }
    }

    @Test("an ordinary URL is taken with its host and port")
    func ordinary() throws {
        let target = try policy.target("https://Hooks.Example.org/in?x=1")
        #expect(target.host == "hooks.example.org")
        #expect(target.port == 443)
        #expect(try policy.target("http://example.org:8080/").port == 8080)
        #expect(try policy.target("https://[2606:4700:4700::1111]/").host == "2606:4700:4700::1111")
        #expect(throws: WebhookTargetError.scheme("http")) {
            try WebhookTargetPolicy(allowsPlaintext: false).target("http://example.org/")
        }
    }

    @Test("an operator's own network is allowed with all its ports, and no other")
    func allowed() throws {
        let range = try #require(AddressRange("127.0.0.0/8"))
        let policy = WebhookTargetPolicy(allowedRanges: [range])
        #expect(try policy.target("http://127.0.0.1:4711/hook").port == 4711)
        #expect(throws: WebhookTargetError.self) { try policy.target("http://10.0.0.1/hook") }
        #expect(throws: WebhookTargetError.port(4711)) { try policy.target("http://example.org:4711/hook") }
    }

    @Test(
        "a range counts its bits",
        arguments: [
            ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.0", false),
            ("192.0.2.128/25", "192.0.2.127", false), ("192.0.2.128/25", "192.0.2.200", true),
            ("0.0.0.0/0", "8.8.8.8", true), ("0.0.0.0/0", "::1", false), ("::1", "::1", true), ("::1", "::2", false),
        ]
    )
    func ranges(range: String, address: String, isIn: Bool) throws {
        #expect(try #require(AddressRange(range)).contains(try #require(IPAddress(address))) == isIn)
    }

    @Test(
        "what is no range is none",
        arguments: ["", "/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/x", "::/129", "10/8"]
    )
    func noRange(text: String) { #expect(AddressRange(text) == nil) }

    @Test(
        "logs keep the neighbourhood of an address",
        arguments: zip(["203.0.113.77", "2001:db8:1:2::3"], ["203.0.113.0/24", "2001:db8:1::/48"])
    )
    func prefix(text: String, prefix: String) throws { #expect(try #require(IPAddress(text)).prefix == prefix) }
}

@Suite("The signature of a webhook")
struct WebhookSignatureTests {
    @Test("it is the HMAC of time and body")
    func known() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac secret
        #expect(
            WebhookSignature.value(for: Array(#"{"a":1}"#.utf8), at: 1_700_000_000, secret: Array("secret".utf8))
                == "t=1700000000,v1=49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686"
        )
    }

    @Test("a changed body, another secret, an old time and a torn header are refused")
    func refused() {
        let body = Array("body".utf8)
        let secret = Array("secret".utf8)
        let value = WebhookSignature.value(for: body, at: 1000, secret: secret)
        func isValid(
            _ value: String,
            _ body: [UInt8],
            now: Int64 = 1000,
            secret: [UInt8] = Array("secret".utf8)
        ) -> Bool {
            WebhookSignature.isValid(value, for: body, now: now, secret: secret)
        }
        #expect(isValid(value, body))
        #expect(isValid(value, body, now: 1300))
        #expect(!isValid(value, body, now: 1301))
        #expect(!isValid(value, body, now: 699))
        #expect(!isValid(value, body + [0]))
        #expect(!isValid(value, body, secret: [1]))
        #expect(!isValid(value.replacing("t=1000", with: "t=1001"), body))
        #expect(!isValid("t=\(Int64.min),v1=", body))
        #expect(!isValid("", body))
    }
}
