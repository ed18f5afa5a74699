import Foundation
import TestSupport
import Testing

/// The API as programs of others use it.
@Suite("The API", .serialized)
struct PlatformAPITests {
    @Test("schemathesis finds nothing wrong with any endpoint", .timeLimit(.minutes(6)))
    func schemathesis() async throws {
        let platform = try await PlatformServer.start()
        let browser = try await WebDriver.start()
        try await platform.makeFirstAccount(browser)
        try await browser.quit()
        let program = try await APIProgram.signIn(platform)
        var tokens: [String] = []
        // Each has a limit of its own, and one would not be enough.
        for number in 0..<20 { tokens.append(try await program.makeToken("token \(number)")) }

        let folder = try TemporaryFolder()
        try folder.write("hooks.py", Self.hooks)
        let output = try await Tool.run(
            // It leaves folders where it runs.
            "env",
            [
                "-C", folder.path, "python3", "-m", "schemathesis.cli", "run", platform.url("/api/v1/openapi.json"),
                "--url", platform.url(""),
                "--phases", "examples,coverage,fuzzing", "--max-examples", "10", "--seed", "1", "--workers", "1",
                // Who may do what has a test of its own; what is well-formed can still be taken, common or changed meanwhile; and
                // it does not know 428 (RFC 6585 §3).
                "--exclude-checks", "ignored_auth,positive_data_acceptance,missing_required_header", "--no-color",
            ],
            environment: [
                "PYTHONPATH": "\(Self.vendor):\(folder.path)", "PYTHONDONTWRITEBYTECODE": "1",
                "SCHEMATHESIS_HOOKS": "hooks",
                "TOKENS": tokens.joined(separator: ","), "SESSION": program.cookie, "CSRF": program.csrfToken,
                "ORIGIN": platform.url(""),
            ],
            within: .seconds(300)
        )
        #expect(output.exit == .status(0), "\(output.text.suffix(6000))")
        #expect(output.text.contains("Tested: "), "it ran to its end")
    }

    /// Requests come from many addresses and with many tokens, some with none, so that no limit answers instead of an endpoint.
    private static let hooks = """
        import os
        import random

        import schemathesis

        tokens = os.environ["TOKENS"].split(",")

        @schemathesis.hook
        def before_call(context, case, kwargs):
            case.headers = case.headers or {}
            case.headers["X-Forwarded-For"] = "10.%d.%d.%d" % tuple(random.randint(1, 254) for _ in range(3))
            chance = random.random()
            # The session has to last; and it is no use where something is wrong on purpose, which may be the cookie.
            right = "negative" not in str(case.meta.generation.mode).lower() if case.meta else True
            lasts = right and case.method != "DELETE" and not case.path.endswith(("/deletion", "/sign-out", "/disable"))
            if chance < 0.5:
                case.headers["Authorization"] = "Bearer " + random.choice(tokens)
            elif chance < 0.85 and lasts:
                case.headers["Cookie"] = os.environ["SESSION"]
                case.headers["X-CSRF-Token"] = os.environ["CSRF"]
                case.headers["Origin"] = os.environ["ORIGIN"]
        """

    private static var vendor: String {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../..")
        return package.standardized.appendingPathComponent(".vendor/schemathesis/python").path
    }
}

/// A program that signs in as the first account, without a browser.
struct APIProgram: Sendable {
    private let platform: PlatformServer
    /// The field Cookie of its session.
    let cookie: String
    /// What its changes carry.
    let csrfToken: String

    /// Signs in with the password.
    static func signIn(_ platform: PlatformServer, email: String = "ada@example.org") async throws -> APIProgram {
        let body: JSONValue = ["email": .string(email), "password": .string(PlatformServer.password)]
        let answer = try await HTTPClient.send(
            platform.url("/api/v1/sessions"),
            method: "POST",
            headers: ["Content-Type": "application/json"],
            body: try body.serialized()
        )
        try #require(answer.status == 201, "\(answer.text)")
        let cookie = "sid=\(try #require(answer.cookies["sid"]))"
        let session = try await HTTPClient.send(platform.url("/api/v1/me/session"), headers: ["Cookie": cookie])
        let csrfToken = try #require(try JSONValue(parsing: session.body)["csrf_token"]?.string)
        return APIProgram(platform: platform, cookie: cookie, csrfToken: csrfToken)
    }

    /// Makes an API token with every scope.
    func makeToken(_ name: String) async throws -> String {
        let scopes = ["account:read", "account:write", "admin:read", "admin:write"].map(JSONValue.string)
        let body: JSONValue = ["name": .string(name), "scopes": .array(scopes), "expires_in_days": .number(1)]
        let answer = try await HTTPClient.send(
            platform.url("/api/v1/me/tokens"),
            method: "POST",
            headers: [
                "Content-Type": "application/json", "Cookie": cookie, "X-CSRF-Token": csrfToken,
                "Origin": platform.url(""),
            ],
            body: try body.serialized()
        )
        try #require(answer.status == 201, "\(answer.text)")
        return try #require(try JSONValue(parsing: answer.body)["token"]?.string)
    }
}
