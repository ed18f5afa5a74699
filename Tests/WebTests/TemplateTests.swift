import FoundationEssentials
import Logging
import Testing

@testable import Web

@Suite("Templates")
struct TemplateTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    static let all = Template.own + PageTests.modules

    @Test("nothing goes onto a page unescaped", arguments: all.map(\.name))
    func escaped(_ name: String) throws {
        let source = try #require(Self.all.first { $0.name == name }).source
        #expect(!source.contains("{{{") && !source.contains("{{&"))
        #expect(!source.contains(/\{\{\s*=/), "delimiters are changed")
        #expect(!source.contains(/=\s*\{\{/) && !source.contains(/='/), "an attribute is not in quotation marks")
        #expect(!source.contains(/<script[^>]*>\s*[^<\s]/) && !source.contains("<style") && !source.contains(" style="))
    }

    @Test("a page's template says which models it shows", arguments: PageTests.modules.map(\.name))
    func documented(_ name: String) throws {
        let source = try #require(Self.all.first { $0.name == name }).source
        #expect(
            source.hasPrefix("{{!") && source.prefix(600).contains("model:")
                && source.prefix(600).contains("PageHead(\"")
        )
    }

    @Test(
        "a server with a broken template does not start",
        arguments: [
            (
                Template("a", "{{#open}}never closed"),
                TemplateError.malformed(template: "a", line: 1, reason: "expectedSectionEnd")
            ),
            (Template("a", "one\ntwo {{/x}}"), .malformed(template: "a", line: 2, reason: "sectionCloseNameIncorrect")),
            (Template("a", "{{> part-nowhere}}"), .unknownPartial(template: "a", partial: "part-nowhere")),
            (Template("layout", ""), .duplicate(template: "layout")),
        ]
    )
    func broken(_ template: Template, _ error: TemplateError) {
        #expect(throws: error) { try PageRenderer(templates: [template], logger: logger) }
    }

    struct Named: ViewModel {
        let page: String
    }

    struct Odd: ViewModel {
        let value: Double?
    }

    @Test("a page that cannot be made is an error, not an empty page") func impossible() throws {
        let renderer = try PageRenderer(templates: [Template("a", "<h1>a</h1>")], logger: logger)
        let frame = PageFrame(viewer: nil, path: "/", csrfToken: "", nonce: "")
        func render(_ template: String, _ model: some ViewModel) throws -> String {
            try renderer.document(template, model, head: PageHead("A"), frame: frame)
        }
        #expect(throws: TemplateError.unknownTemplate("b")) { try render("b", NoModel()) }
        #expect(throws: TemplateError.reservedName("page")) { try render("a", Named(page: "")) }
        #expect(throws: TemplateError.unsupportedValue(type: "Swift.Double")) { try render("a", Odd(value: 1)) }
        #expect(try render("a", Odd(value: nil)).contains("<h1>a</h1>"))
    }

    struct Outer: ViewModel {
        struct Inner: ViewModel {
            let name: String
            let note: String?
        }
        let note: String
        let count: Int
        let items: [Inner]
        let words: [String]
        let inner: Inner?
    }

    @Test("a value that is nil is not taken from a model further out") func scopes() throws {
        let template = Template(
            "a",
            "{{#items}}[{{name}}:{{note}}]{{^note}}!{{/note}}{{/items}} {{count}} {{#words}}{{.}},{{/words}}{{^inner}}-{{/inner}}"
        )
        let renderer = try PageRenderer(templates: [template], logger: logger)
        let model = Outer(
            note: "outer",
            count: 3,
            items: [.init(name: "x", note: nil), .init(name: "y", note: "n")],
            words: ["<", "b"],
            inner: nil
        )
        let document = try renderer.document(
            "a",
            model,
            head: PageHead("A"),
            frame: PageFrame(viewer: nil, path: "/", csrfToken: "", nonce: "")
        )
        #expect(document.contains("[x:]![y:n] 3 &lt;,b,-"))
    }

    @Test(
        "a moment is told to the minute, whatever its year",
        arguments: [
            (0.0, "1970-01-01T00:00:00Z", "1 January 1970, 00:00 UTC"),
            (951_782_399.9, "2000-02-28T23:59:59Z", "28 February 2000, 23:59 UTC"),
            (951_782_400, "2000-02-29T00:00:00Z", "29 February 2000, 00:00 UTC"),
            (4_107_542_400, "2100-03-01T00:00:00Z", "1 March 2100, 00:00 UTC"),
            (-1, "1969-12-31T23:59:59Z", "31 December 1969, 23:59 UTC"),
            (1e300, "9999-12-31T23:59:59Z", "31 December 9999, 23:59 UTC"),
            (-1e300, "0001-01-01T00:00:00Z", "1 January 1, 00:00 UTC"),
        ]
    )
    func moment(_ seconds: Double, _ machine: String, _ human: String) {
        let moment = Moment(Date(timeIntervalSince1970: seconds))
        #expect(moment.machine == machine)
        #expect(moment.human == human)
    }
}
