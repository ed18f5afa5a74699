import Foundation
import TestSupport
import Testing

/// The pages of the platform in a real Chromium.
@Suite("Pages in Chromium", .serialized)
struct PlatformPagesTests {
    @Test(
        "from the first start to an administrator who has signed in, out and in again, with scripts and without",
        arguments: [true, false]
    )
    func firstStart(hasJavaScript: Bool) async throws {
        let platform = try await PlatformServer.start()
        let browser = try await WebDriver.start(hasJavaScript: hasJavaScript)
        try await platform.makeFirstAccount(browser)
        #expect(try await browser.heading == "Good to see you, ada")
        try await browser.open(platform.url("/admin/users"))
        #expect(try await browser.heading == "Users")
        #expect(try await browser.source.contains("ada@example.org"))

        // The cookie is for this server alone, and for no script.
        let cookie = try await browser.cookies["sid"]
        #expect(cookie?["httpOnly"] == .bool(true) && cookie?["sameSite"]?.string == "Lax")
        #expect(cookie?["secure"] == .bool(false), "this is plain HTTP")

        try await browser.element("form[action='/sign-out'] button").click()
        try await browser.open(platform.url("/admin/users"))
        #expect(try await browser.address == platform.url("/sign-in?next=%2Fadmin%2Fusers"))
        try await browser.fill([("email", "ada@example.org"), ("password", "not the password")])
        try await browser.submit()
        #expect(try await browser.element("[role=alert]").text.isEmpty == false)
        #expect(try await browser.element("[name=email]").attribute("value") == "ada@example.org")
        #expect(try await browser.element("[name=password]").attribute("value") ?? "" == "")
        try await browser.fill([("password", PlatformServer.password)])
        try await browser.submit()
        #expect(try await browser.heading == "Users")
        // Nobody gets in by that link again.
        try await browser.open(platform.url(platform.firstAccountPath))
        #expect(try await browser.count("[name=password]") == 0)
        if hasJavaScript { try await expectSilentConsole(browser) }
        try await browser.quit()
        platform.server.terminate()
        #expect(try await platform.server.waitForExit() == .status(0))
    }

    @Test("somebody signs up, confirms by mail, forgets the password and gets a new one")
    func signUp() async throws {
        let catcher = try await SMTPCatcher.start()
        let platform = try await PlatformServer.start(environment: [
            "LYCEUM_SMTP_URL": "smtp://127.0.0.1:\(catcher.port)", "LYCEUM_MAIL_FROM": "Lyceum <school@example.org>",
        ])
        let browser = try await WebDriver.start(hasJavaScript: false)
        try await platform.makeFirstAccount(browser)
        try await browser.element("form[action='/sign-out'] button").click()

        try await browser.open(platform.url("/sign-up"))
        try await browser.fill([
            ("email", "grace@example.org"), ("handle", "grace"), ("password", PlatformServer.password),
        ])
        try await browser.submit()
        let welcome = try await catcher.mail(0)
        #expect(welcome.recipients == ["grace@example.org"] && welcome.sender == "school@example.org")
        try await browser.open(platform.url(try #require(PlatformServer.path(in: welcome.text))))
        try await browser.fill([("password", PlatformServer.password)])
        try await browser.submit()
        #expect(try await browser.cookies["sid"] != nil)
        // What is for administrators is not there.
        try await browser.open(platform.url("/admin/users"))
        #expect(try await browser.heading == "There is nothing here")

        try await browser.element("form[action='/sign-out'] button").click()
        try await browser.open(platform.url("/password/reset"))
        try await browser.fill([("email", "grace@example.org")])
        try await browser.submit()
        let reset = try await catcher.mail(1)
        #expect(reset.recipients == ["grace@example.org"])
        try await browser.open(platform.url(try #require(PlatformServer.path(in: reset.text))))
        try await browser.fill([("password", "another good long phrase")])
        try await browser.submit()
        try await browser.open(platform.url("/sign-in"))
        try await browser.fill([("email", "grace@example.org"), ("password", "another good long phrase")])
        try await browser.submit()
        #expect(try await browser.heading == "Good to see you, grace")
        try await browser.quit()
    }

    @Test("the keyboard alone signs in, and the focus is seen on its way")
    func keyboard() async throws {
        let platform = try await PlatformServer.start()
        let browser = try await WebDriver.start()
        try await platform.makeFirstAccount(browser)
        try await browser.element("form[action='/sign-out'] button").click()
        try await browser.open(platform.url("/sign-in"))
        try await browser.press(WebDriver.tab)
        #expect(try await browser.focused.attribute("href") == "#content", "the skip link comes first")
        for character in ["ada@example.org", PlatformServer.password] {
            try await browser.tab(to: character == PlatformServer.password ? "password" : "email")
            #expect(
                try await browser.run("return getComputedStyle(document.activeElement).outlineWidth").string != "0px"
            )
            for key in character { try await browser.press(String(key)) }
        }
        try await browser.press(WebDriver.enter)
        try await browser.waitForHeading("Good to see you, ada")
        try await browser.quit()
    }

    @Test("every page fits 320 pixels, is quiet, and can be looked at in light and dark")
    func everyPage() async throws {
        let platform = try await PlatformServer.start()
        let browser = try await WebDriver.start()
        let camera = Camera(browser)
        for path in ["/", "/sign-in", "/sign-up", "/password/reset", platform.firstAccountPath, "/nothing-here"] {
            try await look(at: path, platform, camera)
        }
        try await platform.makeFirstAccount(browser)
        let own = ["/", "/account/profile", "/account/email", "/account/password", "/account/second-factor"]
        let lists = ["/account/sessions", "/account/tokens", "/account/data"]
        let admin = [
            "/admin/users", "/admin/jobs", "/admin/dead-letters", "/admin/audit", "/admin/flags", "/admin/health",
        ]
        for path in own + lists + admin { try await look(at: path, platform, camera, signedIn: true) }
        try await browser.quit()
    }

    private func look(
        at path: String,
        _ platform: PlatformServer,
        _ camera: Camera,
        signedIn: Bool = false
    ) async throws {
        for (width, isDark) in [(1280, false), (1280, true), (320, false), (320, true)] {
            try await camera.browser.emulate(width: width, height: 800, isDark: isDark)
            try await camera.browser.open(platform.url(path))
            let seen = try await camera.browser.run("return document.documentElement.scrollWidth").number ?? .infinity
            #expect(seen <= Double(width), "\(path) is \(seen) pixels wide")
            try await camera.take(path, signedIn ? "own" : "visitor", width, isDark)
        }
        // An address that is none is told to the console as well.
        if path != "/nothing-here" {
            try await expectSilentConsole(camera.browser)
        } else {
            _ = try await camera.browser.console()
        }
    }

    private func expectSilentConsole(_ browser: WebDriver) async throws {
        let errors = try await browser.console().filter { $0.level == "SEVERE" && !$0.message.contains("422") }
        #expect(errors.isEmpty)
    }
}

/// Takes pictures of pages where somebody wants them: in the folder that LYCEUM_SCREENSHOTS names.
private struct Camera {
    let browser: WebDriver
    private let folder = ProcessInfo.processInfo.environment["LYCEUM_SCREENSHOTS"]

    init(_ browser: WebDriver) { self.browser = browser }

    func take(_ path: String, _ viewer: String, _ width: Int, _ isDark: Bool) async throws {
        guard let folder else { return }
        let place = path.hasPrefix("/first-account/") ? "first-account" : String(path.dropFirst())
        let name = place.isEmpty ? "home-\(viewer)" : place.replacingOccurrences(of: "/", with: "-")
        let file = "\(folder)/\(name)-\(isDark ? "dark" : "light")-\(width).png"
        try Data(try await browser.pageScreenshot()).write(to: URL(fileURLWithPath: file))
    }
}

/// Where a walk through a page or a site does not lead.
private struct NotReached: Error {
    let what: String
}

extension WebDriver {
    /// Goes on with the tab key until a field of a name has the focus; at most through all of a page.
    fileprivate func tab(to name: String) async throws {
        for _ in 0..<40 {
            try await press(WebDriver.tab)
            if try await focused.attribute("name") == name { return }
        }
        throw NotReached(what: name)
    }

    /// Waits for a page with a heading, as after a key that sends a form.
    fileprivate func waitForHeading(_ heading: String) async throws {
        let end = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < end {
            if try await run("return document.querySelector('main h1')?.textContent.trim()").string == heading {
                return
            }
        }
        throw NotReached(what: heading)
    }
}
