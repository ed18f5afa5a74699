import Foundation
import TestSupport

/// A server with the platform on, and how a test finds its way in.
struct PlatformServer: Sendable {
    static let password = "seventeen purple tractors sing"

    let server: ServerProcess
    /// The path of the link that makes the first account; empty when there is one.
    let firstAccountPath: String

    /// Starts a server with a new database, or one of the same folder.
    ///
    /// The link to the first account is waited for when `isNew`, which is so without a folder unless it is said otherwise.
    static func start(
        environment: [String: String] = [:],
        dataFolder: TemporaryFolder? = nil,
        isNew: Bool? = nil
    ) async throws -> PlatformServer {
        let server = try await ServerProcess.start(
            environment: environment.merging(["LYCEUM_PLATFORM": "on"]) { $1 },
            dataFolder: dataFolder
        )
        _ = try await server.log.line(containing: "platform ready", within: .seconds(60))
        // It is said before that, and may be read after it: it comes another way.
        if isNew ?? (dataFolder == nil) { _ = try await server.output.line(containing: "/first-account/") }
        let link = server.output.lines.first { $0.contains("/first-account/") }?.trimmingCharacters(in: .whitespaces)
        return PlatformServer(server: server, firstAccountPath: link.flatMap { URL(string: $0)?.path } ?? "")
    }

    func url(_ path: String) -> String { server.url(path) }

    /// Makes the administrator's account in a browser, which is signed in then.
    func makeFirstAccount(_ browser: WebDriver, handle: String = "ada") async throws {
        try await browser.open(url(firstAccountPath))
        try await browser.fill([
            ("email", "\(handle)@example.org"), ("handle", handle), ("password", Self.password),
        ])
        try await browser.submit()
    }

    /// The path of the first link in a mail.
    static func path(in mail: String) -> String? {
        mail.split(whereSeparator: \.isWhitespace).lazy.compactMap { URL(string: String($0)) }
            .first { $0.scheme == "http" || $0.scheme == "https" }.map(\.path)
    }
}

extension WebDriver {
    /// Types values into the fields of a form, over what stands there.
    func fill(_ values: [(name: String, value: String)]) async throws {
        for (name, value) in values {
            let field = try await element("main [name=\(name)]")
            try await field.clear()
            try await field.type(value)
        }
    }

    /// Sends the form of the page's content.
    func submit(_ selector: String = "main form.asks[method=post] button.button") async throws {
        try await element(selector).click()
        // The driver waits for the page that this leads to before it does anything else but to quit.
        _ = try await address
    }

    /// The heading of the page.
    var heading: String { get async throws { try await element("main h1").text } }
}
