internal import Foundation

/// A headless Chromium, driven through chromedriver (W3C WebDriver).
public final class WebDriver: Sendable {
    /// The browser or its driver did not do what it was told.
    public struct Failure: Error, CustomStringConvertible {
        /// The command and the driver's answer.
        public let description: String
    }

    /// One line of the browser's console.
    public struct ConsoleEntry: Hashable, Sendable {
        /// SEVERE, WARNING, INFO or DEBUG.
        public let level: String
        /// The message with its source.
        public let message: String
    }

    private let driver: ChildProcess
    private let driverAddress: String
    private let session: String
    private let profile: TemporaryFolder

    private init(driver: ChildProcess, address: String, session: String, profile: TemporaryFolder) {
        self.driver = driver
        driverAddress = address
        self.session = session
        self.profile = profile
    }

    /// Starts a driver on a free port and a browser with an empty profile.
    ///
    /// - Parameters:
    ///   - arguments: switches of Chromium on top of those for running without a screen or a user.
    ///   - hasJavaScript: whether pages may run scripts.
    /// - Returns: the browser on an empty page.
    /// - Throws: ``Failure``, ``ToolMissing`` or ``DeadlineExceeded``.
    public static func start(arguments: [String] = [], hasJavaScript: Bool = true) async throws -> WebDriver {
        let profile = try TemporaryFolder()
        let driver = try ChildProcess("chromedriver", ["--port=0"])
        let line = try await driver.standardOutput.line(containing: "started successfully on port")
        guard let port = line.text.split(separator: " ").last.flatMap({ Int($0.filter(\.isNumber)) }) else {
            throw Failure(description: "chromedriver names no port: \(line.text)")
        }
        let address = "http://127.0.0.1:\(port)"
        let switches = [
            "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--mute-audio",
            "--autoplay-policy=no-user-gesture-required", "--user-data-dir=\(profile.path)", "--window-size=1280,800",
            "--disable-background-networking", "--disable-component-update", "--no-first-run",
        ]
        // 2 is Chromium's word for "blocked".
        let preferences: JSONValue =
            hasJavaScript ? [:] : ["profile.managed_default_content_settings.javascript": .number(2)]
        let capabilities: JSONValue = [
            "capabilities": [
                "alwaysMatch": [
                    "browserName": "chrome",
                    "goog:chromeOptions": [
                        "args": .array((switches + arguments).map(JSONValue.string)), "prefs": preferences,
                    ],
                    "goog:loggingPrefs": ["browser": "ALL"],
                    "timeouts": ["script": .number(120_000), "pageLoad": .number(60_000)],
                ]
            ]
        ]
        let answer = try await send("POST", "\(address)/session", capabilities)
        guard let session = answer["sessionId"]?.string else { throw Failure(description: "no session: \(answer)") }
        return WebDriver(driver: driver, address: address, session: session, profile: profile)
    }

    /// Opens a page and waits until it is loaded.
    public func open(_ url: String) async throws {
        _ = try await command("POST", "url", ["url": .string(url)])
    }

    /// Runs the body of an async function in the page and waits for what it returns.
    ///
    /// - Parameters:
    ///   - body: JavaScript; `arguments` holds the arguments, `await` is allowed.
    ///   - arguments: what the body gets.
    /// - Returns: its result.
    /// - Throws: ``Failure`` with the page's error.
    public func run(_ body: String, _ arguments: [JSONValue] = []) async throws -> JSONValue {
        try await command(
            "POST",
            "execute/sync",
            ["script": .string("return (async () => { \(body) })()"), "args": .array(arguments)]
        )
    }

    /// The page as it is seen, as a PNG.
    public func screenshot() async throws -> [UInt8] {
        guard let text = try await command("GET", "screenshot", nil).string, let data = Data(base64Encoded: text) else {
            throw Failure(description: "the screenshot is no Base64")
        }
        return Array(data)
    }

    /// What the page has written to the console since the last call.
    public func console() async throws -> [ConsoleEntry] {
        try await command("POST", "se/log", ["type": "browser"]).elements.map { entry in
            ConsoleEntry(level: entry["level"]?.string ?? "", message: entry["message"]?.string ?? "")
        }
    }

    /// Closes the browser and ends its driver.
    public func quit() async throws {
        _ = try? await Self.send("DELETE", "\(driverAddress)/session/\(session)", nil)
        driver.send(SIGTERM)
        try await driver.waitForExit(within: .seconds(20))
    }

    func command(_ method: String, _ name: String, _ body: JSONValue?) async throws -> JSONValue {
        try await Self.send(method, "\(driverAddress)/session/\(session)/\(name)", body)
    }

    private static func send(_ method: String, _ url: String, _ body: JSONValue?) async throws -> JSONValue {
        let response = try await HTTPClient.send(
            url,
            method: method,
            headers: ["Content-Type": "application/json"],
            body: try body?.serialized(),
            within: .seconds(150)
        )
        let answer = try JSONValue(parsing: response.body)
        guard response.status == 200, let value = answer["value"] else {
            throw Failure(description: "\(method) \(url): \(answer["value"]?["message"]?.string ?? response.text)")
        }
        return value
    }
}
