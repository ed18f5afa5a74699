/// An element of a small XML document, such as those that S3 answers with.
///
/// Of XML it knows elements, text, and what they can contain; attributes, comments and declarations are passed over. Documents
/// with a DOCTYPE are none, so nothing can be made of anything else.
struct XMLElement: Hashable {
    /// Its name, without a prefix.
    var name: String
    /// Its text.
    var text = ""
    /// The elements in it.
    var children: [XMLElement] = []

    /// The first element in it of this name.
    subscript(name: String) -> XMLElement? { children.first { $0.name == name } }

    /// The text of the first element in it of this name.
    func text(of name: String) -> String? { self[name]?.text }

    /// All elements in it of this name.
    func all(_ name: String) -> [XMLElement] { children.filter { $0.name == name } }
}

/// Reads XML documents.
struct XMLReader {
    /// Deeper than any of S3's answers.
    private static let deepest = 16
    /// More than a page of 1000 names has elements.
    private static let most = 50_000

    private var rest: ArraySlice<UInt8>
    private var count = 0

    /// The root element of a document; `nil` for what is none.
    static func root(of bytes: [UInt8]) -> XMLElement? {
        var reader = XMLReader(rest: bytes[...])
        guard reader.skipProlog(), let root = reader.element(depth: 0), reader.skipProlog(), reader.rest.isEmpty else {
            return nil
        }
        return root
    }

    private init(rest: ArraySlice<UInt8>) { self.rest = rest }

    /// Passes over white space, declarations and comments.
    ///
    /// - Returns: false when one of them does not end.
    private mutating func skipProlog() -> Bool {
        if rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest = rest.dropFirst(3) }
        while true {
            rest = rest.drop { $0 == 0x20 || (0x09...0x0D).contains($0) }
            if take("<?") {
                guard skip(behind: "?>") else { return false }
            } else if take("<!--") {
                guard skip(behind: "-->") else { return false }
            } else {
                return true
            }
        }
    }

    private mutating func take(_ text: StaticString) -> Bool {
        let bytes = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        guard rest.starts(with: bytes) else { return false }
        rest = rest.dropFirst(bytes.count)
        return true
    }

    private mutating func skip(behind text: StaticString) -> Bool {
        while !rest.isEmpty {
            if take(text) { return true }
            rest = rest.dropFirst()
        }
        return false
    }

    private mutating func element(depth: Int) -> XMLElement? {
        count += 1
        guard depth < Self.deepest, count <= Self.most, take("<"), let name = name() else { return nil }
        var element = XMLElement(name: name)
        guard let isEmpty = skipAttributes() else { return nil }
        guard !isEmpty else { return element }
        var text: [UInt8] = []
        while !rest.isEmpty {
            if take("</") {
                guard self.name() == name else { return nil }
                rest = rest.drop { $0 == 0x20 }
                guard take(">") else { return nil }
                element.text = String(decoding: text, as: UTF8.self)
                return element
            }
            if take("<!--") {
                guard skip(behind: "-->") else { return nil }
            } else if take("<![CDATA[") {
                while !rest.starts(with: "]]>".utf8), let byte = rest.popFirst() { text.append(byte) }
                guard take("]]>") else { return nil }
            } else if rest.first == UInt8(ascii: "<") {
                guard let child = self.element(depth: depth + 1) else { return nil }
                element.children.append(child)
            } else if take("&") {
                guard let character = reference() else { return nil }
                text += Array(String(character).utf8)
            } else if let byte = rest.popFirst() {
                text.append(byte)
            }
        }
        return nil
    }

    /// A name without its prefix.
    private mutating func name() -> String? {
        let bytes = rest.prefix { $0.isASCIILetterOrDigit || $0 >= 0x80 || "_:-.".utf8.contains($0) }
        guard !bytes.isEmpty else { return nil }
        rest = rest.dropFirst(bytes.count)
        let local = bytes.split(separator: UInt8(ascii: ":")).last ?? bytes
        return String(decoding: local, as: UTF8.self)
    }

    /// - Returns: whether the element ends here; `nil` when the tag does not end.
    private mutating func skipAttributes() -> Bool? {
        var quote: UInt8?
        while let byte = rest.popFirst() {
            switch (byte, quote) {
            case (_, let mark?): if byte == mark { quote = nil }
            case (UInt8(ascii: "\""), nil), (UInt8(ascii: "'"), nil): quote = byte
            case (UInt8(ascii: "/"), nil) where rest.first == UInt8(ascii: ">"):
                rest = rest.dropFirst()
                return true
            case (UInt8(ascii: ">"), nil): return false
            case (UInt8(ascii: "<"), nil): return nil
            default: break
            }
        }
        return nil
    }

    /// The character of `&amp;`, `&#34;` or `&#x22;`, behind its first character.
    private mutating func reference() -> Character? {
        let bytes = rest.prefix(10).prefix { $0 != UInt8(ascii: ";") }
        let name = String(decoding: bytes, as: UTF8.self)
        rest = rest.dropFirst(bytes.count)
        guard take(";") else { return nil }
        switch name {
        case "amp": return "&"
        case "lt": return "<"
        case "gt": return ">"
        case "quot": return "\""
        case "apos": return "'"
        default: break
        }
        let number =
            name.hasPrefix("#x")
            ? UInt32(name.dropFirst(2), radix: 16) : name.hasPrefix("#") ? UInt32(name.dropFirst()) : nil
        return number.flatMap(Unicode.Scalar.init).map(Character.init)
    }
}

extension XMLElement {
    /// A text as it stands in a document.
    static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}
