import Testing

@testable import Accounts

@Suite("Secrets")
struct SecretTests {
    @Test("ASVS 7.2.3, 11.5.1: tokens have 256 bits, never twice the same, and are not in their own description")
    func entropy() {
        let secrets = (0..<1000).map { _ in BearerToken.draw() }
        #expect(Set(secrets.map(\.text)).count == 1000)
        #expect(
            secrets.allSatisfy { $0.text.utf8.count == 43 && $0.digest.count == 32 && BearerToken.isPlausible($0.text) }
        )
        #expect("\(secrets[0])" == "<redacted>")
        #expect(BearerToken.isPlausible(BearerToken.draw(prefix: "pat_").text, prefix: "pat_"))
    }

    @Test(
        "what can be no token is not looked up",
        arguments: [
            "", "x", String(repeating: "a", count: 42), String(repeating: "a", count: 44),
            String(repeating: "'", count: 43), String(repeating: "ä", count: 43),
        ]
    )
    func implausible(_ token: String) {
        #expect(!BearerToken.isPlausible(token))
    }
}

@Suite("Session rules")
struct SessionRulesTests {
    @Test("30 days at most, 12 hours for administrators, a use written every 5 minutes")
    func rules() {
        let rules = SessionRules()
        #expect(rules.lifetime(isAdministrator: false) == 2_592_000)
        #expect(rules.lifetime(isAdministrator: true) == 43_200)
        #expect(!rules.shouldTouch(secondsSinceLastSeen: 299))
        #expect(rules.shouldTouch(secondsSinceLastSeen: 300))
    }

    @Test(
        "a session keeps the network of an address, not the address",
        arguments: [
            ("192.0.2.77", "192.0.2.0/24"), ("2001:db8:1:2::3", "2001:db8:1::/48"), ("::1", "0:0:0::/48"),
            ("2001:DB8::", "2001:db8:0::/48"), ("fe80:1:2:3:4:5:6:7", "fe80:1:2::/48"), ("", ""), ("unix", ""),
            ("1.2.3", ""), ("1.2.3.256", ""), (":::::", ""), ("1:2", ""),
        ]
    )
    func network(_ address: String, _ network: String) {
        #expect(SessionLabel.network(of: address) == network)
    }

    @Test("ASVS 16.4.1: an agent's name is cut and cannot end a line")
    func agent() {
        #expect(
            SessionLabel.agent("Mozilla/5.0\r\nlevel=error forged\u{1B}[2J") == "Mozilla/5.0  level=error forged [2J"
        )
        #expect(SessionLabel.agent(String(repeating: "é", count: 1000)).unicodeScalars.count == 200)
        #expect(SessionLabel.agent(nil).isEmpty)
    }
}

@Suite("Slowing down wrong passwords")
struct SignInThrottleTests {
    let throttle = SignInThrottle()

    @Test(
        "ASVS 6.3.1: five are free, then each wait is twice the last, up to 15 minutes",
        arguments: [(0, 0.0), (5, 0), (6, 2), (7, 4), (8, 8), (14, 512), (15, 900), (9999, 900)]
    )
    func waits(_ failures: Int, _ wait: Double) {
        #expect(throttle.wait(after: failures) == wait)
    }

    @Test("a wait runs from the last wrong password, and a day without one forgets")
    func memory() {
        let count = SignInThrottle.Count(failures: 7, last: 1000)
        #expect(throttle.remaining(count, now: 1000) == 4)
        #expect(throttle.remaining(count, now: 1003) == 1)
        #expect(throttle.remaining(count, now: 1004) == 0)
        #expect(throttle.remaining(nil, now: 0) == 0)
        #expect(throttle.counted(count, now: 1004) == .init(failures: 8, last: 1004))
        #expect(throttle.counted(count, now: 1000 + 86_400) == .init(failures: 1, last: 87_400))
        #expect(throttle.counted(nil, now: 5) == .init(failures: 1, last: 5))
    }
}
