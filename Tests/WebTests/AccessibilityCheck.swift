/// What is wrong with a page for those who do not see it, or see it differently (WCAG 2.2 AA, as far as markup shows it).
struct AccessibilityCheck {
    private let page: Markup
    private(set) var complaints: [String] = []

    init(_ page: Markup) {
        self.page = page
        complaints = page.faults
        checkFrame()
        checkHeadings()
        checkNames()
        checkForms()
        checkReferences()
        checkTables()
    }

    private mutating func expect(_ isTrue: Bool, _ complaint: String) {
        if !isTrue { complaints.append(complaint) }
    }

    private mutating func checkFrame() {
        expect(page.all("html").first?["lang"] == "en", "the language is not said (3.1.1)")
        expect(page.all("title").count == 1 && page.all("title")[0].text.count > 10, "there is no title (2.4.2)")
        for landmark in ["header", "main", "footer"] {
            expect(page.all(landmark).count == 1, "there is not one <\(landmark)>")
        }
        expect(!page.all("nav").isEmpty, "there is no <nav>")
        let labels = page.all("nav").map { $0["aria-label"] ?? "" }
        expect(!labels.contains("") && Set(labels).count == labels.count, "navigations are not told apart")
        let skip = page.all("a").first
        expect(skip?["href"] == "#content" && page.all("main").first?["id"] == "content", "no skip link first (2.4.1)")
        expect(page.elements.allSatisfy { !$0.has("style") }, "there is an inline style")
        expect(
            page.elements.allSatisfy { $0.attributes.allSatisfy { !$0.name.hasPrefix("on") } },
            "there is an inline handler"
        )
        expect(page.all("script").allSatisfy { $0["nonce"] == "bm9uY2U" }, "a script has no nonce")
    }

    private mutating func checkHeadings() {
        let levels = page.all("h1", "h2", "h3", "h4").map { Int($0.name.dropFirst()) ?? 0 }
        expect(levels.filter { $0 == 1 }.count == 1, "there is not one h1")
        for (level, next) in zip(levels, levels.dropFirst()) {
            expect(next <= level + 1, "h\(next) follows h\(level)")
        }
    }

    private mutating func checkNames() {
        for element in page.all("button", "a", "h1", "h2", "legend", "label", "th", "option", "dt") {
            let text = element.text.filter { !$0.isWhitespace }
            expect(!text.isEmpty || element["aria-label"]?.isEmpty == false, "<\(element.name)> has no name (4.1.2)")
        }
        expect(page.all("a").allSatisfy { $0["href"]?.isEmpty == false }, "a link leads nowhere")
        expect(page.all("img").allSatisfy { $0["alt"]?.isEmpty == false }, "a picture has no text (1.1.1)")
        expect(page.all("progress").allSatisfy { $0["aria-label"]?.isEmpty == false }, "progress has no name")
        expect(page.all("time").allSatisfy { $0["datetime"]?.count == 20 }, "a time is not for machines")
    }

    private mutating func checkForms() {
        let labelled = Set(page.all("label").compactMap { $0["for"] })
        for field in page.all("input", "select", "textarea") where field["type"] != "hidden" {
            expect(labelled.contains(field["id"] ?? ""), "a field has no label: \(field["name"] ?? "") (3.3.2)")
        }
        let types: Set<String?> = [
            "text", "email", "url", "search", "number", "date", "password", "file", "checkbox", "radio", "hidden",
        ]
        for field in page.all("input") {
            expect(types.contains(field["type"]), "a field has no type: \(field["name"] ?? "")")
            expect(field["name"]?.isEmpty == false, "a field has no name")
        }
        for field in page.all("input", "select", "textarea", "fieldset") where field["aria-invalid"] == "true" {
            expect(field.has("aria-describedby"), "the error of \(field["name"] ?? "") is not tied to it (3.3.1)")
        }
        expect(page.all("form").allSatisfy { !$0.path.contains("form") }, "a form stands in a form")
        let posts = page.all("form").filter { $0["method"] == "post" }
        let tokens = page.all("input").filter { $0["name"] == "csrf" && $0["value"]?.isEmpty == false }
        expect(posts.count == tokens.count, "\(posts.count) forms carry \(tokens.count) tokens")
    }

    private mutating func checkReferences() {
        let ids = page.elements.compactMap { $0["id"] }
        expect(
            Set(ids).count == ids.count,
            "ids are not unique: \(ids.filter { id in ids.filter { $0 == id }.count > 1 })"
        )
        expect(!ids.contains(""), "an id is empty")
        for element in page.elements {
            let fragments =
                element.name == "a" && element["href"]?.hasPrefix("#") == true
                ? [element["href"]?.dropFirst() ?? ""] : []
            let named = ["for", "aria-describedby", "data-copy"].compactMap { element[$0] }.flatMap {
                $0.split(separator: " ")
            }
            for reference in fragments + named {
                expect(ids.contains(String(reference)), "<\(element.name)> refers to \(reference), which is not there")
            }
        }
    }

    private mutating func checkTables() {
        expect(page.all("caption").count == page.all("table").count, "a table has no caption")
        expect(page.all("th").allSatisfy { $0.has("scope") }, "a heading of a table has no scope (1.3.1)")
        expect(
            page.all("td", "tbody th").allSatisfy { $0["data-label"]?.isEmpty == false },
            "a cell has no label for cards"
        )
    }
}
