import Accounts
import Administration
import FoundationEssentials
import Logging
import Synchronization
import Testing

@testable import Web

/// What was logged as an error.
final class Complaints: Sendable {
    let lines = Mutex<[String]>([])

    var logger: Logger {
        Logger(label: "pages") { _ in Handler(complaints: self) }
    }

    private struct Handler: LogHandler {
        let complaints: Complaints
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.error

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            complaints.lines.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") }
        }
    }
}

@Suite("Pages")
struct PageTests {
    static let modules = AccountTemplates.all + AdministrationTemplates.all
    private let complaints = Complaints()

    private func renderer() throws -> PageRenderer {
        try PageRenderer(templates: Self.modules, logger: complaints.logger)
    }

    @Test("every template of a page has a sample") func completeness() {
        let pages = (Template.own + Self.modules).map(\.name).filter {
            $0 != "layout" && !$0.hasPrefix("part-") && !$0.hasPrefix("cell-") && $0 != "error"
        }
        #expect(Set(Samples().all.map(\.template)) == Set(pages))
    }

    @Test("titles are unique") func titles() {
        let titles = Dictionary(grouping: Samples().all, by: \.template).map { $0.value[0].head.title }
        #expect(Set(titles).count == titles.count)
    }

    @Test("a page can be used without seeing it", arguments: Samples().all)
    func accessible(_ sample: Sample) throws {
        let page = Markup(try sample.document(renderer()))
        #expect(AccessibilityCheck(page).complaints == [])
        #expect(complaints.lines.withLock { $0 } == [], "the template asks for what its model does not have")
    }

    @Test(
        "hostile text stays text",
        arguments: Samples().all,
        [
            "\"><script>alert(1)</script>", "'\" onfocus=alert(1) autofocus x='",
            "</textarea></title><img src=x onerror=alert(1)>",
            "\"\u{301} onfocus=alert(1) autofocus x=\"\u{301}", "<\u{301}script>", "{{page.csrfToken}}{{{page}}}",
            "-->]]>\u{0}\u{202E}",
            "\\\"\r\n\t`${alert(1)}",
        ]
    )
    func hostile(_ sample: Sample, _ word: String) throws {
        let renderer = try renderer()
        let index = try #require(Samples().all.firstIndex { $0.name == sample.name })
        let dressed = try Samples(word).all[index].document(renderer, word: word)
        let expected = Markup(try sample.document(renderer)).skeleton
        #expect(Markup(dressed).skeleton == expected)
        #expect(!dressed.contains("c2VjcmV0{"), "text was taken for a template")
        #expect(!dressed.unicodeScalars.contains("\u{0}"))
    }

    @Test("the navigation shows what is for the person", arguments: [("home-visitor", false), ("home-member", true)])
    func navigation(_ name: String, _ isMember: Bool) throws {
        let sample = try #require(Samples().all.first { $0.name == name })
        let page = Markup(try sample.document(renderer()))
        let labels = page.all("a").filter { $0.path.contains("nav") }.map(\.text)
        #expect(labels == (isMember ? ["Home", "Account", "Administration"] : ["Home", "Sign in", "Sign up"]))
        #expect(page.all("form").contains { $0["action"] == "/sign-out" } == isMember)
    }

    @Test("the page one is on is marked in each navigation") func current() throws {
        let sample = try #require(Samples().all.first { $0.name == "account-sessions" })
        let marked = Markup(try sample.document(renderer())).all("a").filter { $0["aria-current"] == "page" }
        #expect(marked.map(\.text) == ["Account", "Sessions"])
    }

    @Test("the choice of colours is on the page and in its form", arguments: Theme.allCases)
    func theme(_ theme: Theme) throws {
        let page = Markup(try Samples().all[0].document(renderer(), theme: theme))
        #expect(page.all("html")[0]["data-theme"] == (theme == .system ? nil : theme.rawValue))
        #expect(page.all("option").filter { $0.has("selected") }.map { $0["value"] } == [theme.rawValue])
    }

    @Test(
        "writes all pages to look at",
        .enabled(if: ProcessInfo.processInfo.environment["LYCEUM_PAGE_PREVIEW"]?.isEmpty == false)
    )
    func preview() throws {
        let folder = try #require(ProcessInfo.processInfo.environment["LYCEUM_PAGE_PREVIEW"])
        try Preview(folder: folder, renderer: renderer()).write(Samples().all)
    }
}
