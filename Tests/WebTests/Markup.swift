/// HTML as a browser's tokenizer reads it (WHATWG HTML §13.2.5), as far as pages of ours go: tags, attributes, text.
///
/// Written to see what hostile text would do: an attribute that a quotation mark ends early goes on as further attributes.
struct Markup {
    struct Element {
        let name: String
        var attributes: [(name: String, value: String)]
        /// The text inside, all of it.
        var text = ""
        /// The names of the elements around it, outermost first.
        let path: [String]

        subscript(name: String) -> String? { attributes.first { $0.name == name }?.value }
        func has(_ name: String) -> Bool { self[name] != nil }
    }

    private static let void: Set<String> = ["meta", "link", "input", "img", "br", "hr", "path", "rect"]

    /// In the order of their start tags.
    private(set) var elements: [Element] = []
    /// Start tags that no end tag closed, and end tags without a start tag.
    private(set) var faults: [String] = []
    private var open: [Int] = []
    private let scalars: [Unicode.Scalar]
    private var place = 0

    init(_ html: String) {
        scalars = Array(html.unicodeScalars)
        while place < scalars.count { step() }
        for index in open { faults.append("<\(elements[index].name)> is not closed") }
    }

    /// What has a given name.
    func all(_ names: String...) -> [Element] { elements.filter { names.contains($0.name) } }

    /// The names of all tags and of their attributes: what hostile text must not change.
    var skeleton: [String] { elements.map { ([$0.name] + $0.attributes.map(\.name)).joined(separator: " ") } }

    private mutating func step() {
        let isRaw = open.last.map { ["textarea", "title", "script", "style"].contains(elements[$0].name) } ?? false
        guard scalars[place] == "<", place + 1 < scalars.count else { return text() }
        let next = scalars[place + 1]
        if next == "/" { return endTag(isRaw: isRaw) }
        guard !isRaw, next == "!" || Self.isLetter(next) else { return text() }
        if next == "!" {
            while place < scalars.count, scalars[place] != ">" { place += 1 }
            place += 1
        } else {
            startTag()
        }
    }

    private mutating func text() {
        for index in open { elements[index].text.unicodeScalars.append(scalars[place]) }
        place += 1
    }

    private mutating func startTag() {
        place += 1
        let name = word { Self.isSpace($0) || $0 == ">" || $0 == "/" }.lowercased()
        var element = Element(name: name, attributes: [], path: open.map { elements[$0].name })
        while place < scalars.count, scalars[place] != ">" {
            if Self.isSpace(scalars[place]) || scalars[place] == "/" {
                place += 1
            } else {
                element.attributes.append(attribute())
            }
        }
        place += 1
        elements.append(element)
        if !Self.void.contains(name) { open.append(elements.count - 1) }
    }

    private mutating func attribute() -> (String, String) {
        var name = word { Self.isSpace($0) || $0 == ">" || $0 == "/" || $0 == "=" }.lowercased()
        if name.isEmpty {
            name = String(Character(scalars[place]))
            place += 1
        }
        guard place < scalars.count, scalars[place] == "=" else { return (name, "") }
        place += 1
        guard place < scalars.count, scalars[place] == "\"" || scalars[place] == "'" else {
            faults.append("\(name) has a value without quotes")
            return (name, word { Self.isSpace($0) || $0 == ">" })
        }
        let quote = scalars[place]
        place += 1
        let value = word { $0 == quote }
        place += 1
        return (name, value)
    }

    private mutating func endTag(isRaw: Bool) {
        let start = place
        place += 2
        let name = word { Self.isSpace($0) || $0 == ">" }.lowercased()
        if isRaw, let last = open.last, elements[last].name != name {
            place = start
            return text()
        }
        while place < scalars.count, scalars[place] != ">" { place += 1 }
        place += 1
        guard let last = open.popLast(), elements[last].name == name else {
            return faults.append("</\(name)> closes nothing")
        }
    }

    private mutating func word(until isEnd: (Unicode.Scalar) -> Bool) -> String {
        var word = ""
        while place < scalars.count, !isEnd(scalars[place]) {
            word.unicodeScalars.append(scalars[place])
            place += 1
        }
        return word
    }

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        [" ", "\n", "\t", "\r", "\u{0C}"].contains(scalar)
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
    }
}
