/// The parameters of a query, as programs write them: `name=value&name=value`, nothing escaped.
struct QueryParameters {
    /// Why a query is not taken.
    struct Fault: Error, Hashable {
        /// The parameter.
        let name: String
        /// What is wrong with it.
        let reason: String
    }

    private var values: [String: Substring] = [:]

    /// Reads a query, which may have these parameters and no others.
    init(_ query: String?, names: Set<String>) throws(Fault) {
        for field in (query ?? "").split(separator: "&") {
            let name = String(field.prefix { $0 != "=" })
            guard names.contains(name) else { throw Fault(name: name, reason: "is not known here") }
            guard values.updateValue(field.dropFirst(name.count + 1), forKey: name) == nil else {
                throw Fault(name: name, reason: "is there twice")
            }
        }
    }

    /// A parameter's value, which is `expectation` to whoever gave another; `nil` when it is not there.
    func value<Value>(
        _ name: String,
        _ expectation: String,
        _ read: (Substring) -> Value?
    ) throws(Fault) -> Value? {
        guard let text = values[name] else { return nil }
        guard let value = read(text) else { throw Fault(name: name, reason: "must be \(expectation)") }
        return value
    }
}
