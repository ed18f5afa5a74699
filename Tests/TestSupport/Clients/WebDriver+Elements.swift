internal import Foundation

// What a person does with a page: it works without any script of the page's.
extension WebDriver {
    /// An element of the page that is open (W3C WebDriver §11).
    public struct Element: Sendable {
        fileprivate let reference: String
        fileprivate let browser: WebDriver

        /// Clicks in its middle, and waits for a page that this leads to.
        public func click() async throws { _ = try await browser.command("POST", "element/\(reference)/click", [:]) }

        /// Types a text, behind what is there.
        public func type(_ text: String) async throws {
            _ = try await browser.command("POST", "element/\(reference)/value", ["text": .string(text)])
        }

        /// Empties a field.
        public func clear() async throws { _ = try await browser.command("POST", "element/\(reference)/clear", [:]) }

        /// What is to be read of it.
        public var text: String {
            get async throws { try await browser.command("GET", "element/\(reference)/text", nil).string ?? "" }
        }

        /// One of its attributes; `nil` when it has none of that name.
        public func attribute(_ name: String) async throws -> String? {
            try await browser.command("GET", "element/\(reference)/attribute/\(name)", nil).string
        }
    }

    /// The key that the web element reference stands under (W3C WebDriver §12.1).
    private static let referenceKey = "element-6066-11e4-a52e-4f735466cecf"

    /// The first element of a CSS selector.
    ///
    /// - Throws: ``Failure`` when there is none.
    public func element(_ selector: String) async throws -> Element {
        let answer = try await command("POST", "element", ["using": "css selector", "value": .string(selector)])
        guard let reference = answer[Self.referenceKey]?.string else { throw Failure(description: "no \(selector)") }
        return Element(reference: reference, browser: self)
    }

    /// How many elements a CSS selector has.
    public func count(_ selector: String) async throws -> Int {
        try await command("POST", "elements", ["using": "css selector", "value": .string(selector)]).elements.count
    }

    /// The element that has the focus.
    public var focused: Element {
        get async throws {
            let answer = try await command("GET", "element/active", nil)
            guard let reference = answer[Self.referenceKey]?.string else { throw Failure(description: "no focus") }
            return Element(reference: reference, browser: self)
        }
    }

    /// Presses keys on the keyboard, one after the other, wherever the focus is.
    ///
    /// - Parameter keys: characters, or WebDriver's names for others: ``tab`` and ``enter``.
    /// - Throws: ``Failure``.
    public func press(_ keys: String...) async throws {
        let actions = keys.flatMap { key -> [JSONValue] in
            [["type": "keyDown", "value": .string(key)], ["type": "keyUp", "value": .string(key)]]
        }
        _ = try await command(
            "POST",
            "actions",
            ["actions": [["type": "key", "id": "keyboard", "actions": .array(actions)]]]
        )
    }

    /// The tab key.
    public static let tab = "\u{E004}"
    /// The enter key.
    public static let enter = "\u{E007}"

    /// The address of the page that is open.
    public var address: String { get async throws { try await command("GET", "url", nil).string ?? "" } }
    /// The title of the page that is open.
    public var title: String { get async throws { try await command("GET", "title", nil).string ?? "" } }
    /// The source of the page that is open.
    public var source: String { get async throws { try await command("GET", "source", nil).string ?? "" } }

    /// The cookies of the page that is open, by name, as the browser keeps them.
    public var cookies: [String: JSONValue] {
        get async throws {
            let all = try await command("GET", "cookie", nil).elements
            return Dictionary(all.map { ($0["name"]?.string ?? "", $0) }) { $1 }
        }
    }

    /// Sets the size of what is seen of a page, in CSS pixels, and whether the system is dark.
    ///
    /// - Parameters:
    ///   - width: the width of the viewport.
    ///   - height: its height; the page's own with `nil`.
    ///   - isDark: what the page's media query prefers-color-scheme hears.
    /// - Throws: ``Failure``.
    public func emulate(width: Int, height: Int, isDark: Bool) async throws {
        try await developerTools(
            "Emulation.setDeviceMetricsOverride",
            [
                "width": .number(Double(width)), "height": .number(Double(height)), "deviceScaleFactor": .number(1),
                "mobile": .bool(false),
            ]
        )
        let scheme = isDark ? "dark" : "light"
        try await developerTools(
            "Emulation.setEmulatedMedia",
            ["features": [["name": "prefers-color-scheme", "value": .string(scheme)]]]
        )
    }

    /// The whole page as it is seen, as a PNG.
    public func pageScreenshot() async throws -> [UInt8] {
        let answer = try await developerTools("Page.captureScreenshot", ["captureBeyondViewport": .bool(true)])
        guard let data = answer["data"]?.string.flatMap({ Data(base64Encoded: $0) }) else {
            throw Failure(description: "the screenshot is no Base64")
        }
        return Array(data)
    }

    @discardableResult
    private func developerTools(_ name: String, _ parameters: JSONValue) async throws -> JSONValue {
        try await command("POST", "goog/cdp/execute", ["cmd": .string(name), "params": parameters])
    }
}
