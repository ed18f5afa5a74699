internal import HTTPTypes

/// All endpoints of the platform, found by path and method.
///
/// A path is compared step by step; a step written out goes before `{a step that varies}`. Steps are decoded one by one, so an
/// escaped slash is part of its step.
public struct RouteTable: Sendable {
    /// The endpoints, in the order of their modules.
    public let endpoints: [Endpoint]
    private let root: Node

    /// What keeps endpoints from being one table: a fault of ours, told at start.
    public enum Fault: Error, Equatable {
        /// Two endpoints for one method and path.
        case duplicateRoute(String)
        /// Two endpoints of one name.
        case duplicateOperation(String)
        /// A path that does not begin with `/`, or names a parameter that is not declared.
        case malformedPath(String)
        /// The same step has two names in two paths.
        case ambiguousParameter(String)
        /// A GET that takes a body, a page that takes JSON, or the API a form.
        case impossibleBody(String)
    }

    /// A table of endpoints.
    ///
    /// - Throws: ``Fault``.
    public init(_ endpoints: [Endpoint]) throws(Fault) {
        self.endpoints = endpoints
        var root = Node()
        var operations: Set<String> = []
        for endpoint in endpoints {
            guard operations.insert(endpoint.operationID).inserted else {
                throw .duplicateOperation(endpoint.operationID)
            }
            try Self.check(endpoint)
            try root.insert(endpoint, steps: Self.steps(of: endpoint.path)[...])
        }
        self.root = root
    }

    private static func check(_ endpoint: Endpoint) throws(Fault) {
        let named = Set(steps(of: endpoint.path).compactMap(Self.parameterName))
        let declared = Set(endpoint.parameters.filter { $0.location == .path }.map(\.name))
        guard endpoint.path.hasPrefix("/"), named == declared else { throw .malformedPath(endpoint.path) }
        switch (endpoint.body, endpoint.kind) {
        case (.json, .page), (.form, .api), (.upload, .api): throw .impossibleBody(endpoint.operationID)
        case (.some, _) where endpoint.method.isSafe: throw .impossibleBody(endpoint.operationID)
        default: break
        }
    }

    private static func steps(of path: String) -> [Substring] {
        path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    }

    private static func parameterName(_ step: Substring) -> String? {
        step.hasPrefix("{") && step.hasSuffix("}") ? String(step.dropFirst().dropLast()) : nil
    }

    /// What stands at a path.
    struct Resource {
        /// The endpoints by method.
        let endpoints: [HTTPRequest.Method: Endpoint]
        /// The steps that vary, decoded, by name.
        let parameters: [String: String]

        /// The value of Allow: the methods there are, with HEAD for GET, in alphabetical order.
        var allow: String {
            var methods = Set(endpoints.keys.map(\.rawValue)).union(["OPTIONS"])
            if endpoints[.get] != nil { methods.insert("HEAD") }
            return methods.sorted().joined(separator: ", ")
        }

        /// The endpoint that answers a method.
        func endpoint(for method: HTTPRequest.Method) -> Endpoint? {
            endpoints[method] ?? (method == .head ? endpoints[.get] : nil)
        }
    }

    /// What stands at the path of a request target; `nil` for nothing, or a path that cannot be decoded.
    func resource(at target: String) -> Resource? {
        let path = target.prefix { $0 != "?" && $0 != "#" }
        guard path.hasPrefix("/"), path.utf8.count <= 2048 else { return nil }
        var steps: [String] = []
        for step in path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard let decoded = PercentCoding.decoded(step.utf8) else { return nil }
            steps.append(decoded)
        }
        var values: [String] = []
        guard let node = root.find(steps[...], values: &values), let last = node.endpoints.first?.value else {
            return nil
        }
        let names = Self.steps(of: last.path).compactMap(Self.parameterName)
        return Resource(
            endpoints: node.endpoints,
            parameters: Dictionary(zip(names, values)) { first, _ in first }
        )
    }

    private struct Node: Sendable {
        var endpoints: [HTTPRequest.Method: Endpoint] = [:]
        var fixed: [String: Node] = [:]
        var varying: (name: String, nodes: [Node])?

        mutating func insert(_ endpoint: Endpoint, steps: ArraySlice<Substring>) throws(Fault) {
            guard let step = steps.first else {
                guard endpoints.updateValue(endpoint, forKey: endpoint.method) == nil else {
                    throw .duplicateRoute("\(endpoint.method) \(endpoint.path)")
                }
                return
            }
            guard let name = RouteTable.parameterName(step) else {
                try fixed[String(step), default: Node()].insert(endpoint, steps: steps.dropFirst())
                return
            }
            var child = varying?.nodes.first ?? Node()
            guard varying == nil || varying?.name == name else { throw .ambiguousParameter(endpoint.path) }
            try child.insert(endpoint, steps: steps.dropFirst())
            varying = (name, [child])
        }

        func find(_ steps: ArraySlice<String>, values: inout [String]) -> Node? {
            guard let step = steps.first else { return self }
            if let node = fixed[step]?.find(steps.dropFirst(), values: &values), !node.endpoints.isEmpty { return node }
            guard !step.isEmpty, let child = varying?.nodes.first else { return nil }
            let count = values.count
            values.append(step)
            if let node = child.find(steps.dropFirst(), values: &values), !node.endpoints.isEmpty { return node }
            values.removeSubrange(count...)
            return nil
        }
    }
}
