import HTTPTypes
import Logging
import Testing

@testable import Kernel
@testable import Web

@Suite("Forms")
struct FormTests {
    private let form = Form(
        "sign-up",
        action: "/sign-up",
        submit: "Sign up",
        inputs: [
            Input("email", "E-mail", .line(type: "email"), isRequired: true),
            Input("password", "Password", .password, isRequired: true),
            Input("scopes", "Scopes", .checkboxes([.init("read", "Read"), .init("write", "Write")])),
            Input("news", "Send me news", .checkbox),
            Input("token", "", .hidden),
        ]
    )

    private func page(_ form: Form) throws -> Markup {
        let template = Template("a", "<h1>a</h1>{{#form}}\n{{> part-form}}\n{{/form}}")
        let renderer = try PageRenderer(templates: [template], logger: Logger(label: "test"))
        let frame = PageFrame(viewer: nil, path: "/", csrfToken: "t", nonce: "bm9uY2U")
        return Markup(try renderer.document("a", Fields(["form": form]), head: PageHead("A title"), frame: frame))
    }

    private func fields(_ pairs: (String, String)...) -> FormFields {
        FormFields(pairs.map { .init($0.0, $0.1) })
    }

    @Test("what was sent is there again, but no secret") func kept() throws {
        let sent = fields(
            ("email", "a\"b@example"),
            ("password", "hunter2hunter2"),
            ("scopes", "write"),
            ("news", "on"),
            ("token", "t1"),
            ("role", "admin")
        )
        let page = try page(form.again(sent, [FieldError(pointer: "/email", code: "format", detail: "is no address")]))
        func value(_ id: String) -> String? { page.elements.first { $0["id"] == "sign-up-\(id)" }?["value"] }
        #expect(value("email") == "a&quot;b@example")
        #expect(value("password") == "")
        #expect(
            page.all("input").filter { $0.has("checked") }.compactMap { $0["id"] } == [
                "sign-up-scopes-1", "sign-up-news",
            ]
        )
        #expect(page.all("input").first { $0["name"] == "token" }?["value"] == "t1")
        #expect(
            !page.elements.contains { $0.attributes.contains { $0.value.contains("hunter2") || $0.value == "admin" } }
        )
    }

    @Test("each mistake is told on top with a link, and at its field") func complaints() throws {
        let errors = [
            FieldError(pointer: "/email", code: "format", detail: "is no address"),
            FieldError(pointer: "/scopes/1", code: "unknown", detail: "has an unknown word"),
            FieldError(pointer: "/role", code: "unknown", detail: "is not known"),
            FieldError(pointer: "/token", code: "required", detail: "is required"),
        ]
        let page = try page(form.again(fields(), errors))
        #expect(AccessibilityCheck(page).complaints == [])
        let list = page.all("li").filter { $0.path.contains("main") }
        #expect(
            list.map(\.text) == [
                "E-mail is no address", "Scopes has an unknown word", "role is not known", "token is required",
            ]
        )
        let links = page.all("a").filter { $0.path.contains("li") && $0.path.contains("main") }
        #expect(links.map { $0["href"] } == ["#sign-up-email", "#sign-up-scopes-0"])
        let email = try #require(page.elements.first { $0["id"] == "sign-up-email" })
        #expect(email["aria-invalid"] == "true" && email["aria-describedby"] == "sign-up-email-error")
        #expect(page.elements.first { $0["id"] == "sign-up-email-error" }?.text == "E-mail is no address")
    }

    @Test("a problem that is no single field's is told on top") func problem() throws {
        let problem = Problem(.conflict, code: "x", detail: "The link has been used.")
        let page = try page(form.again(fields(("email", "a@example.org")), problem))
        #expect(page.all("li").filter { $0.path.contains("main") }.map(\.text) == ["The link has been used."])
        #expect(page.elements.first { $0["id"] == "sign-up-email" }?["value"] == "a@example.org")
    }

    @Test("a form with a file is sent in parts; one that searches is sent with GET and without a token") func kinds()
        throws
    {
        let upload = Form(
            "up",
            action: "/up",
            submit: "Send",
            inputs: [Input("file", "File", .file(accept: "image/png"))]
        )
        #expect(try page(upload).all("form").first { $0["id"] == "up" }?["enctype"] == "multipart/form-data")
        let search = Form("find", action: "/find", submit: "Find", inputs: [Input("q", "Words")], isSearch: true)
        let page = try page(search)
        #expect(page.all("form").first { $0["id"] == "find" }?["method"] == "get")
        #expect(page.all("input").filter { $0["name"] == "csrf" }.count == 1, "only that of the colours")
    }

    @Test(
        "progress is a share of the whole, whatever is said",
        arguments: [(0.426, "42"), (-1, "0"), (7, "100"), (.nan, "0"), (nil, nil)] as [(Double?, String?)]
    )
    func progress(_ fraction: Double?, _ percent: String?) {
        #expect(Progress("it", fraction: fraction).node.fields["percent"] as? String == percent)
    }
}
