import FoundationEssentials
import Testing

@testable import Web

/// A model whose names are written down where it is used.
struct Fields: ViewModel {
    let values: [String: any Sendable]

    init(_ values: [String: any Sendable]) { self.values = values }

    func view() throws(TemplateError) -> ViewNode {
        var fields: [String: any Sendable] = [:]
        for (name, value) in values { fields[name] = try ViewGroup.value(value) }
        return ViewNode(ViewGroup(open: fields))
    }
}

/// A page with everything on it that its template can show.
struct Sample: Sendable, CustomTestStringConvertible {
    let name: String
    let template: String
    let model: any ViewModel
    let head: PageHead
    var path = "/"
    var isVisitor = false

    var testDescription: String { name }

    func frame(theme: Theme = .system, word: String = "Ada Lovelace") -> PageFrame {
        PageFrame(
            viewer: isVisitor ? nil : .init(name: word, roles: ["member", "admin"]),
            path: path,
            csrfToken: "c2VjcmV0",
            nonce: "bm9uY2U",
            theme: theme,
            flash: isVisitor ? nil : Flash(.success, "Saved. \(word)")
        )
    }

    func document(_ renderer: PageRenderer, theme: Theme = .system, word: String = "Ada Lovelace") throws -> String {
        try renderer.document(template, model, head: head, frame: frame(theme: theme, word: word))
    }
}

/// Pages in which every text that a person may have written is the given one.
struct Samples {
    let word: String
    let when = Moment(Date(timeIntervalSince1970: 1_795_728_600))

    init(_ word: String = "Ada Lovelace") { self.word = word }

    var all: [Sample] { site + signingIn + account + secondFactor + administration }

    func input(_ name: String, _ label: String, _ kind: Input.Kind = .line(type: "text"), error: Bool = false) -> Input
    {
        var input = Input(name, label, kind, hint: "A hint about it.", isRequired: true, values: [word])
        if error { input.error = "\(label) has a mistake: \(word)" }
        return input
    }

    func form(_ id: String, _ submit: String, _ inputs: [Input], isDangerous: Bool = false) -> Form {
        Form(id, action: "/there", submit: submit, inputs: inputs, isDangerous: isDangerous)
    }

    func table(_ caption: String, _ columns: [String], _ cells: [Cell]) -> Table {
        Table(
            caption,
            columns: columns,
            rows: [cells, cells, cells],
            empty: EmptyState("Nothing", "Nothing here."),
            pagination: Pagination(of: caption.lowercased(), previous: "?cursor=a", next: "?cursor=b&limit=20")
        )
    }

    func nothing(_ caption: String, _ title: String, _ text: String, _ action: Link?) -> Table {
        Table(caption, columns: ["One", "Two"], rows: [], empty: EmptyState(title, text, action: action))
    }

    func sample(
        _ name: String,
        of template: String? = nil,
        _ title: String,
        area: SiteMap.AreaID? = nil,
        path: String,
        isVisitor: Bool = false,
        scripts: [String] = [],
        _ model: [String: any Sendable]
    ) -> Sample {
        Sample(
            name: name,
            template: template ?? name,
            model: Fields(model),
            head: PageHead(title, area: area, scripts: scripts),
            path: path,
            isVisitor: isVisitor
        )
    }
}
