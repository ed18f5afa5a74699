/// The source of one page or of one part of pages, in Mustache.
///
/// A module embeds its `.mustache` files in its target and lists them for ``PageRenderer``. A template whose name begins
/// with `part-` or `cell-` is one that others include; all others are the content of a page.
public struct Template: Sendable {
    /// The name pages and other templates use: the file's name without `.mustache`.
    public let name: String
    /// The Mustache text.
    public let source: String

    /// A template from the text of its file.
    public init(_ name: String, _ source: String) {
        self.name = name
        self.source = source
    }

    /// A template from an embedded file; bytes that are no UTF-8 become replacement characters.
    public init(_ name: String, _ bytes: [UInt8]) {
        self.init(name, String(decoding: bytes, as: UTF8.self))
    }

    /// The names of the templates that this one includes by a fixed name, in order.
    ///
    /// Mustache renders nothing for a partial it does not know, so that a mistyped name would only be missed by eye.
    var includes: [String] {
        source.split(separator: "{{>", omittingEmptySubsequences: false).dropFirst().compactMap { piece in
            let name = piece.prefix { $0 != "}" }.filter { !$0.isWhitespace }
            return name.isEmpty || name.hasPrefix("*") ? nil : name
        }
    }
}

/// What is wrong with the templates of a server; it does not start with such.
public enum TemplateError: Error, Equatable {
    /// The text is no Mustache: where, and what the parser says.
    case malformed(template: String, line: Int, reason: String)
    /// Two templates have the same name.
    case duplicate(template: String)
    /// A template includes one that does not exist.
    case unknownPartial(template: String, partial: String)
    /// A page is asked for whose template does not exist.
    case unknownTemplate(String)
    /// A model uses the name `page` or `template`, which belong to the layout.
    case reservedName(String)
    /// A model has a value that has no representation on a page, of the given type.
    case unsupportedValue(type: String)
}
