internal import Mustache

/// The names of a view model and their values, ready to be looked up.
public struct ViewNode: Sendable {
    let group: ViewGroup

    init(_ group: ViewGroup) { self.group = group }
}

/// The names of a view model and their values, as Mustache looks them up.
struct ViewGroup: Sendable {
    /// Values are strings, booleans, groups, lists of these, or ``Absent``.
    let fields: [String: any Sendable]
    /// Whether a name that is not there is taken to have no value, rather than to be one of a model further out.
    let isClosed: Bool

    /// The names of a model whose values have been made by ``value(_:)``.
    init(open fields: [String: any Sendable]) {
        self.fields = fields
        isClosed = false
    }

    /// The names of a part of pages; what has no value is left out.
    ///
    /// - Parameter fields: strings, booleans, groups and lists of groups.
    init(_ fields: [String: (any Sendable)?]) {
        self.fields = fields.compactMapValues { $0 }
        isClosed = true
    }

    /// What a property is to Mustache.
    ///
    /// - Throws: ``TemplateError/unsupportedValue(type:)``.
    static func value(_ value: Any) throws(TemplateError) -> any Sendable {
        switch value {
        case let text as String: return text
        case let flag as Bool: return flag
        case let model as any ViewModel: return try model.view().group
        case let number as any BinaryInteger: return String(number)
        case let list as [Any]:
            var items: [any Sendable] = []
            for value in list { items.append(try Self.value(value)) }
            return items
        case let optional as any Absentable:
            guard let wrapped = optional.wrapped else { return Absent() }
            return try Self.value(wrapped)
        default: throw .unsupportedValue(type: String(reflecting: type(of: value)))
        }
    }
}

extension ViewGroup: MustacheParent {
    /// The value of a name; `nil` sends Mustache to the model further out.
    func child(named name: String) -> Any? {
        if let value = fields[name] { return value }
        return isClosed && name != PageRenderer.layoutName ? Absent() : nil
    }
}

/// A name that has no value: it renders nothing, and its section is not shown.
struct Absent: MustacheCustomRenderable, Sendable {
    var renderText: String { "" }
    var isNull: Bool { true }
}

/// An optional of any type.
private protocol Absentable {
    var wrapped: Any? { get }
}

extension Optional: Absentable {
    fileprivate var wrapped: Any? { self }
}
