import Testing

@testable import lyceum

@Suite("Trusted proxies")
struct TrustedProxiesTests {
    @Test(
        "a client's address is the last one that no trusted proxy has",
        arguments: [
            ("198.51.100.7", ["203.0.113.1"], "198.51.100.7"), ("127.0.0.1", [], "127.0.0.1"),
            ("127.0.0.1", ["203.0.113.1"], "203.0.113.1"), ("::ffff:127.0.0.1", ["203.0.113.1"], "203.0.113.1"),
            ("127.0.0.1", ["1.1.1.1, 203.0.113.1, 10.1.2.3"], "203.0.113.1"),
            ("127.0.0.1", ["1.1.1.1", "203.0.113.1,10.0.0.9"], "203.0.113.1"),
            ("127.0.0.1", ["10.0.0.1"], "10.0.0.1"), ("127.0.0.1", ["203.0.113.1, nonsense"], "127.0.0.1"),
            ("127.0.0.1", ["2001:db8::1"], "2001:db8::1"),
        ]
    )
    func client(peer: String, forwarded: [String], expected: String) throws {
        let proxies = try #require(TrustedProxies("127.0.0.1, 10.0.0.0/8"))
        #expect(proxies.client(of: peer, forwarded: forwarded) == expected)
    }

    @Test("nobody is trusted when none is set")
    func none() throws {
        let proxies = try #require(TrustedProxies("none"))
        #expect(proxies.client(of: "127.0.0.1", forwarded: ["203.0.113.1"]) == "127.0.0.1")
    }

    @Test(
        "what is no address is refused",
        arguments: ["a", "10.0.0.0/33", "10.0.0.0/x", "10.0.0.0/8/8", "::/129", "10.0.0"]
    )
    func wrong(text: String) { #expect(TrustedProxies(text) == nil) }
}
