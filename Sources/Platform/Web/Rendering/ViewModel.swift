/// What a template is given to show.
///
/// A plain `Sendable` struct need only say that it is one: its stored properties become the names of the template.
/// Strings, booleans, numbers, optionals, lists and other view models may be among them. A name whose value is `nil`
/// renders nothing and opens no section; it does not let Mustache go on looking for the name further out.
public protocol ViewModel: Sendable {
    /// The names and values; only what is rendered very often says them by itself.
    ///
    /// - Throws: ``TemplateError/unsupportedValue(type:)`` when a property has no representation.
    func view() throws(TemplateError) -> ViewNode
}

extension ViewModel {
    /// The stored properties.
    public func view() throws(TemplateError) -> ViewNode {
        var fields: [String: any Sendable] = [:]
        for child in Mirror(reflecting: self).children {
            guard let name = child.label else { continue }
            fields[name] = try ViewGroup.value(child.value)
        }
        return ViewNode(ViewGroup(open: fields))
    }
}

/// A model without anything: for templates that say always the same.
public struct NoModel: ViewModel {
    /// The model.
    public init() {}
}
