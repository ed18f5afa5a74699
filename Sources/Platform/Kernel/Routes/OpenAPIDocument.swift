internal import HTTPTypes

/// The OpenAPI 3.1 document of a route table's API: the same table always gives the same bytes.
///
/// Paths stand in the order of the table, components in alphabetical order. Pages are not part of it.
public struct OpenAPIDocument: Sendable {
    private let table: RouteTable
    private let title: String
    private let version: String

    /// A document.
    ///
    /// - Parameters:
    ///   - table: the endpoints.
    ///   - title: the API's name.
    ///   - version: the API's version.
    public init(_ table: RouteTable, title: String = "Lyceum", version: String = "1") {
        self.table = table
        self.title = title
        self.version = version
    }

    /// The document as UTF-8, indented.
    public var bytes: [UInt8] { json.indentedBytes }

    /// The document.
    public var json: JSONValue {
        let endpoints = table.endpoints.filter { $0.kind == .api }
        let tags = Set(endpoints.map(\.tag)).sorted()
        return [
            "openapi": "3.1.0",
            "info": [
                "title": .string(title), "version": .string(version),
                "description": """
                Errors are problems of RFC 9457. Lists go on with `cursor`, which is the `next` of the page before. Programs use \
                an API token; a browser's session works too, and then whatever changes something needs X-CSRF-Token.
                """,
            ],
            "servers": [["url": "/"]],
            "tags": .array(tags.map { ["name": .string($0)] }),
            "paths": .object(paths(endpoints)),
            "components": components(endpoints),
        ]
    }

    private func paths(_ endpoints: [Endpoint]) -> [JSONMember] {
        var order: [String] = []
        var operations: [String: [JSONMember]] = [:]
        for endpoint in endpoints {
            if operations[endpoint.path] == nil { order.append(endpoint.path) }
            let operation = OpenAPIOperation(endpoint: endpoint).json
            operations[endpoint.path, default: []].append(
                JSONMember(endpoint.method.rawValue.lowercased(), operation)
            )
        }
        return order.map { JSONMember($0, .object(operations[$0] ?? [])) }
    }

    private func components(_ endpoints: [Endpoint]) -> JSONValue {
        let used = endpoints.flatMap { endpoint in
            [endpoint.body?.schema].compactMap { $0 } + endpoint.responses.compactMap(\.schema)
                + endpoint.parameters.map(\.schema)
        }
        let named = (used.flatMap(\.named) + [Self.problem]).map { ($0.name ?? "", $0.definition) }
        let schemas = Dictionary(named) { first, _ in first }.sorted { $0.key < $1.key }
        return [
            "schemas": .object(schemas.map { JSONMember($0.key, $0.value) }),
            "responses": [
                "Problem": [
                    "description": "What went wrong (RFC 9457).",
                    "content": ["application/problem+json": ["schema": Self.problem.reference]],
                ]
            ],
            "securitySchemes": [
                "session": ["type": "apiKey", "in": "cookie", "name": .string(SessionCookie.name(isSecure: true))],
                "token": [
                    "type": "http", "scheme": "bearer", "description": "An API token, which begins with `pat_`.",
                ],
            ],
        ]
    }

    /// What ``Problem`` writes.
    private static let problem = Schema.object(
        "Problem",
        [
            .required("type", .text(1...200).example("urn:lyceum:problem:invalid")),
            .required("title", .text(1...200).example("Some values are not acceptable")),
            .required("status", .integer(400...599).example(422)),
            .optional("detail", .text(1...1000).multiline()),
            .optional("instance", .text(1...600).multiline().example("/api/v1/me")),
            .required("code", .text(1...100).described("A fixed word for programs.").example("invalid")),
            .optional("errors", .array(fault, 1...Schema.maximumErrors)),
            .required("request_id", .text(1...64).described("Names the request in the server's log.")),
        ]
    )

    private static let fault = Schema.object([
        .optional("pointer", .text(0...1000).multiline().described("Where in the body (RFC 6901).").example("/email")),
        .optional("parameter", .text(0...300).multiline().described("Which parameter.").example("limit")),
        .required("code", .text(1...100).example("required")),
        .required("detail", .text(1...1000).multiline().example("is required")),
    ])
}

/// One operation of the document.
struct OpenAPIOperation {
    let endpoint: Endpoint

    var json: JSONValue {
        var members: [JSONMember] = [
            JSONMember("operationId", .string(endpoint.operationID)), JSONMember("summary", .string(endpoint.summary)),
            JSONMember("tags", [.string(endpoint.tag)]), JSONMember("security", security),
        ]
        let parameters = endpoint.parameters.map(parameter) + fieldParameters
        if !parameters.isEmpty { members.append(JSONMember("parameters", .array(parameters))) }
        if let body { members.append(JSONMember("requestBody", body)) }
        members.append(JSONMember("responses", .object(responses)))
        return .object(members)
    }

    private var security: JSONValue {
        let session: JSONValue = ["session": []]
        let token: JSONValue = ["token": .array(endpoint.scope.map { [.string($0.rawValue)] } ?? [])]
        return switch endpoint.access {
        case .everyone: [[:], session, token]
        case .visitor: []
        case .signedIn, .role: endpoint.scope == nil ? [session] : [session, token]
        }
    }

    private func parameter(_ parameter: Parameter) -> JSONValue {
        self.parameter(parameter.name, parameter.location, parameter.schema, isRequired: parameter.isRequired)
    }

    private func parameter(
        _ name: String,
        _ location: Parameter.Location,
        _ schema: Schema,
        isRequired: Bool
    ) -> JSONValue {
        var members: [JSONMember] = [JSONMember("name", .string(name)), JSONMember("in", .string(location.rawValue))]
        if let summary = schema.summary { members.append(JSONMember("description", .string(summary))) }
        members += [JSONMember("required", .boolean(isRequired)), JSONMember("schema", schema.reference)]
        return .object(members)
    }

    private var fieldParameters: [JSONValue] {
        var fields: [JSONValue] = []
        if endpoint.idempotency != .none, endpoint.access != .visitor {
            let key = Schema.text(format: Self.key).described(
                "Sent again with the same key, the request runs once only."
            )
            fields.append(parameter("Idempotency-Key", .header, key, isRequired: endpoint.idempotency == .required))
        }
        if endpoint.precondition == .required {
            let tag = Schema.text(format: Self.tag).described("The ETag of the version that is to be changed.")
            fields.append(parameter("If-Match", .header, tag, isRequired: true))
        }
        return fields
    }

    private static let key = TextFormat(pattern: "^[!-~]{1,255}$", length: 1...255, detail: "", example: "0f8fad5b") {
        _ in true
    }
    private static let tag = TextFormat(pattern: #"^"[!#-~]{1,64}"$"#, length: 3...66, detail: "", example: "\"v1\"") {
        _ in true
    }

    private var body: JSONValue? {
        switch endpoint.body {
        case .json(let schema), .form(let schema), .upload(let schema, _):
            let content: JSONValue = ["schema": schema.reference, "example": schema.sample(isSent: true)]
            return ["required": true, "content": ["application/json": content]]
        case .bytes(let types, let maximum):
            let schema: JSONValue = ["type": "string", "maxLength": .integer(Int64(maximum))]
            return ["required": true, "content": .object(types.map { JSONMember($0, ["schema": schema]) })]
        case nil: return nil
        }
    }

    private var responses: [JSONMember] {
        let own = endpoint.responses.map { JSONMember(String($0.status), response($0)) }
        let told = Set(own.map(\.name))
        let reference: JSONValue = ["$ref": "#/components/responses/Problem"]
        let others = faults.map(String.init).filter { !told.contains($0) }.map { JSONMember($0, reference) }
        let notModified =
            endpoint.method == .get && told.contains("200")
            ? [JSONMember("304", ["description": "The version in If-None-Match is the newest."])] : []
        return (own + notModified + others).sorted { $0.name < $1.name }
    }

    /// The statuses that the pipeline itself may answer with.
    private var faults: Set<Int> {
        var statuses: Set<Int> = [400, 401, 403, 422, 429, 500, 503]
        let varies = endpoint.parameters.contains { $0.location == .path }
        if case .role = endpoint.access { statuses.insert(404) }
        if varies || endpoint.flag != nil { statuses.insert(404) }
        if endpoint.body != nil { statuses.formUnion([413, 415]) }
        if endpoint.idempotency != .none { statuses.insert(409) }
        if endpoint.precondition == .required { statuses.formUnion([412, 428]) }
        return statuses
    }

    private func response(_ response: EndpointResponse) -> JSONValue {
        var members = [JSONMember("description", .string(response.summary))]
        let text: JSONValue = ["schema": ["type": "string"]]
        switch response.status {
        case 201, 202, 303: members.append(JSONMember("headers", ["Location": text]))
        case 200 where endpoint.method == .get && response.schema != nil:
            members.append(JSONMember("headers", ["ETag": text]))
        default: break
        }
        if let type = response.contentType {
            let content: JSONValue =
                response.schema.map { ["schema": $0.reference, "example": $0.sample(isSent: false)] }
                ?? ["schema": type.contains("problem") ? ["$ref": "#/components/schemas/Problem"] : ["type": "string"]]
            members.append(JSONMember("content", .object([JSONMember(type, content)])))
        }
        return .object(members)
    }
}
