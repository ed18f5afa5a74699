import Foundation
import TestSupport
import Testing

/// What drives real programs must itself be trusted.
@Suite("Processes of the tests")
struct ProcessTests {
    @Test("output, exit status and signal arrive")
    func exits() async throws {
        let output = try await Tool.run("sh", ["-c", "echo out; echo err >&2; exit 7"])
        #expect(output.exit == .status(7) && output.text == "out\n" && output.standardError == "err\n")
        for signal: Int32 in [2, 9, 15] {
            let sleeper = try ChildProcess("sleep", ["600"])
            sleeper.send(signal)
            #expect(try await sleeper.waitForExit(within: .seconds(10)) == .signal(signal))
        }
    }

    @Test("a line is awaited as an event, also when it was written before")
    func lines() async throws {
        let process = try ChildProcess("sh", ["-c", "echo one; echo two; echo one more; printf last"])
        let first = try await process.standardOutput.line(containing: "one")
        let second = try await process.standardOutput.line(containing: "one", after: first)
        #expect(first.text == "one" && second.text == "one more")
        #expect(try await process.standardOutput.line(containing: "last").text == "last")
        await #expect(throws: DeadlineExceeded.self) {
            try await process.standardOutput.line(containing: "never written")
        }
    }

    @Test("a process that takes too long is killed")
    func deadline() async throws {
        let sleeper = try ChildProcess("sleep", ["600"])
        await #expect(throws: DeadlineExceeded.self) { try await sleeper.waitForExit(within: .milliseconds(50)) }
        #expect(try await sleeper.waitForExit(within: .seconds(10)) == .signal(9))
    }

    @Test("hundreds of processes one after the other do not use up the descriptors")
    func descriptors() async throws {
        for _ in 0..<100 { try await Tool.check("true", []) }
        let before = try openDescriptors()
        for _ in 0..<300 { try await Tool.check("true", []) }
        // Tests beside this one hold some, too.
        #expect(try openDescriptors() < before + 100)
    }

    private func openDescriptors() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
    }

    @Test("output larger than any pipe is read to its end")
    func largeOutput() async throws {
        let output = try await Tool.check("head", ["-c", "5000000", "/dev/zero"])
        #expect(output.standardOutput.count == 5_000_000)
    }

    @Test("a program that is not there is named")
    func missing() async {
        await #expect(throws: ToolMissing.self) { try await Tool.run("no-such-program", []) }
    }
}

@Suite("Browser of the tests", .serialized)
struct WebDriverTests {
    @Test("a page is opened, its scripts run, its console and its picture come back")
    func browser() async throws {
        let browser = try await WebDriver.start()
        let page = "<title>T</title><body style='background:red'><script>console.error('broken', 42)</script>"
        let encoded = page.utf8.map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        try await browser.open("data:text/html,\(encoded)")
        #expect(try await browser.run("return document.title") == "T")
        let sum = try await browser.run(
            "return await new Promise(done => setTimeout(() => done(arguments[0] + arguments[1]), 10))",
            [.number(40), .number(2)]
        )
        #expect(sum.number == 42)
        await #expect(throws: WebDriver.Failure.self) { try await browser.run("throw new Error('no')") }
        let entries = try await browser.console()
        #expect(entries.contains { $0.level == "SEVERE" && $0.message.contains("broken") })
        #expect(try await browser.screenshot().prefix(4) == [0x89, 0x50, 0x4E, 0x47])
        try await browser.quit()
    }
}
