/// A link that says where it leads.
public struct Link: ViewModel, Equatable {
    /// What it says.
    public let label: String
    /// Where it leads.
    public let path: String

    /// A link.
    public init(_ label: String, _ path: String) {
        self.label = label
        self.path = path
    }

    /// What templates show.
    public func view() throws(TemplateError) -> ViewNode { ViewNode(node) }

    var node: ViewGroup { ViewGroup(["label": label, "path": path]) }
}

/// What stands where there is nothing: why, and the one thing to do next.
public struct EmptyState: ViewModel {
    /// That there is nothing.
    public let title: String
    /// Why, or what would be here.
    public let text: String
    /// What to do next.
    public let action: Link?

    /// What stands where there is nothing.
    public init(_ title: String, _ text: String, action: Link? = nil) {
        self.title = title
        self.text = text
        self.action = action
    }

    /// What the template `part-empty` shows.
    public func view() throws(TemplateError) -> ViewNode { ViewNode(node) }

    var node: ViewGroup {
        ViewGroup(["title": title, "text": text, "action": action?.node])
    }
}

/// The way to the pages before and after this one, as links.
public struct Pagination: ViewModel {
    /// What is paged, in the plural, for those who hear it.
    public let subject: String
    /// Where the page before is; `nil` on the first.
    public let previous: String?
    /// Where the next page is; `nil` on the last.
    public let next: String?

    /// The way to other pages.
    public init(of subject: String, previous: String? = nil, next: String? = nil) {
        self.subject = subject
        self.previous = previous
        self.next = next
    }

    /// What the template `part-pagination` shows: on a single page, nothing.
    public func view() throws(TemplateError) -> ViewNode { ViewNode(node) }

    var node: ViewGroup {
        ViewGroup([
            "subject": subject, "previous": previous, "next": next, "isNeeded": previous != nil || next != nil,
        ])
    }
}

/// A list of facts about one thing.
public struct Facts: ViewModel {
    /// What each fact is, and the fact.
    public let facts: [(term: String, fact: Cell)]

    /// A list of facts.
    public init(_ facts: [(term: String, fact: Cell)]) { self.facts = facts }

    /// What the template `part-facts` shows.
    public func view() throws(TemplateError) -> ViewNode { ViewNode(node) }

    var node: ViewGroup {
        ViewGroup(["facts": facts.map { $0.fact.node(["term": $0.term]) }])
    }
}

/// Something that is shown this once, to be copied.
public struct Secret: ViewModel {
    /// What it is.
    public let label: String
    /// What to do with it.
    public let hint: String
    /// The lines of it.
    public let lines: [String]
    /// The id of its element; unique on its page.
    public let id: String

    /// Something to be copied.
    ///
    /// - Parameters:
    ///   - id: letters, digits and `-`; unique on its page.
    ///   - label: what it is.
    ///   - hint: what to do with it.
    ///   - lines: the lines of it.
    public init(_ id: String, label: String, hint: String, lines: [String]) {
        self.id = id
        self.label = label
        self.hint = hint
        self.lines = lines
    }

    /// What the template `part-secret` shows.
    public func view() throws(TemplateError) -> ViewNode { ViewNode(node) }

    var node: ViewGroup {
        ViewGroup(["id": id, "label": label, "hint": hint, "text": lines.joined(separator: "\n")])
    }
}
