/// The shape of a value.
///
/// One declaration checks JSON bodies and submitted forms, and describes them in the OpenAPI document.
///
/// ```swift
/// static let signUp = Schema.object(
///     "SignUp",
///     [
///         .required("email", .text(format: .email)),
///         .required("handle", .text(format: .handle)),
///         .required("password", .text(8...128).secret()),
///         .optional("newsletter", .boolean),
///     ]
/// )
/// ```
public struct Schema: Sendable {
    /// What kind of value it is.
    public indirect enum Kind: Sendable {
        /// Members with fixed names; others are refused.
        case object([Property])
        /// Text of so many characters (Unicode scalars, as JSON Schema counts them), of a format.
        case text(ClosedRange<Int>, TextFormat?)
        /// A whole number.
        case integer(ClosedRange<Int>)
        /// Any number.
        case number(ClosedRange<Double>)
        /// True or false.
        case boolean
        /// One of these words.
        case word([String])
        /// So many values of one shape.
        case array(Schema, ClosedRange<Int>)
        /// An object whose members are not fixed: for answers only, as what another system sent.
        case anyObject
    }

    /// A member of an object.
    public struct Property: Sendable {
        /// Its name.
        public let name: String
        /// The shape of its value.
        public let schema: Schema
        /// Whether it must be there.
        public let isRequired: Bool

        /// A member that must be there.
        public static func required(_ name: String, _ schema: Schema) -> Property {
            Property(name: name, schema: schema, isRequired: true)
        }

        /// A member that may be left out.
        public static func optional(_ name: String, _ schema: Schema) -> Property {
            Property(name: name, schema: schema, isRequired: false)
        }
    }

    /// What kind of value it is.
    public let kind: Kind
    /// The name it has among the components of the OpenAPI document; `nil` to stand where it is used.
    public private(set) var name: String?
    /// Whether `null` is a value too.
    public private(set) var isNullable = false
    /// Whether only the server sets it: refused in what clients send.
    public private(set) var isReadOnly = false
    /// Whether it is a password or the like: never in an answer, never put back into a form.
    public private(set) var isSecret = false
    /// Whether line feeds and tabulators may be in the text.
    public private(set) var isMultiline = false
    /// What it means, for people.
    public private(set) var summary: String?
    /// A value it may have.
    public private(set) var example: JSONValue?

    private init(_ kind: Kind) { self.kind = kind }
}

extension Schema {
    /// An object with a name of its own in the OpenAPI document.
    public static func object(_ name: String, _ properties: [Property]) -> Schema {
        var schema = Schema(.object(properties))
        schema.name = name
        return schema
    }

    /// An object described where it is used.
    public static func object(_ properties: [Property]) -> Schema { Schema(.object(properties)) }

    /// Text of so many characters.
    public static func text(_ length: ClosedRange<Int> = 1...255) -> Schema { Schema(.text(length, nil)) }

    /// Text of a format.
    public static func text(format: TextFormat) -> Schema { Schema(.text(format.length, format)) }

    /// A whole number of a range.
    public static func integer(_ range: ClosedRange<Int>) -> Schema { Schema(.integer(range)) }

    /// A number of a range.
    public static func number(_ range: ClosedRange<Double>) -> Schema { Schema(.number(range)) }

    /// True or false.
    public static var boolean: Schema { Schema(.boolean) }

    /// One of some words.
    public static func word(_ words: [String]) -> Schema { Schema(.word(words)) }

    /// One of the raw values of an enumeration.
    public static func word<Word: CaseIterable & RawRepresentable>(_ type: Word.Type) -> Schema
    where Word.RawValue == String { Schema(.word(Word.allCases.map(\.rawValue))) }

    /// Values of one shape, at most so many.
    public static func array(_ element: Schema, _ count: ClosedRange<Int>) -> Schema { Schema(.array(element, count)) }

    /// An object whose members are not fixed; for answers only.
    public static var anyObject: Schema { Schema(.anyObject) }

    /// A moment.
    public static var timestamp: Schema { .text(format: .dateTime) }

    /// A page of a list, as ``Page`` writes it.
    public static func page(of element: Schema) -> Schema {
        let next = Schema.text(0...512).nullable().described("The cursor of the next page; null at the end.")
        let properties: [Property] = [.required("data", .array(element, 0...100)), .required("next", next)]
        return element.name.map { .object("\($0)Page", properties) } ?? .object(properties)
    }

    /// The same, or `null`.
    public func nullable() -> Schema { with { $0.isNullable = true } }
    /// The same, set by the server only.
    public func readOnly() -> Schema { with { $0.isReadOnly = true } }
    /// The same, but a secret.
    public func secret() -> Schema { with { $0.isSecret = true } }
    /// The same, with line feeds and tabulators allowed.
    public func multiline() -> Schema { with { $0.isMultiline = true } }
    /// The same, with a sentence about what it means.
    public func described(_ summary: String) -> Schema { with { $0.summary = summary } }
    /// The same, with a value it may have.
    public func example(_ example: JSONValue) -> Schema { with { $0.example = example } }

    func notNullable() -> Schema { with { $0.isNullable = false } }

    private func with(_ change: (inout Schema) -> Void) -> Schema {
        var copy = self
        change(&copy)
        return copy
    }

    /// The members of an object.
    var properties: [Property] {
        guard case .object(let properties) = kind else { return [] }
        return properties
    }
}
