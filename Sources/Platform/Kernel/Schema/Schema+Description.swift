extension Schema {
    /// The schema as JSON Schema 2020-12 in an OpenAPI document; schemas with a name are referred to.
    var reference: JSONValue {
        guard let name else { return description }
        let reference: JSONValue = ["$ref": .string("#/components/schemas/\(name)")]
        return isNullable ? ["anyOf": [reference, ["type": "null"]]] : reference
    }

    /// The schema itself, even when it has a name.
    var definition: JSONValue { name == nil ? description : withoutNull.description }

    private var withoutNull: Schema {
        isNullable ? notNullable() : self
    }

    private var description: JSONValue {
        var members: [JSONMember] = [JSONMember("type", isNullable ? [.string(type), "null"] : .string(type))]
        if let summary { members.append(JSONMember("description", .string(summary))) }
        members += constraints
        if isReadOnly { members.append(JSONMember("readOnly", true)) }
        if isSecret { members.append(JSONMember("writeOnly", true)) }
        if let example { members.append(JSONMember("examples", [example])) }
        return .object(members)
    }

    private var type: String {
        switch kind {
        case .object, .anyObject: "object"
        case .text, .word: "string"
        case .integer: "integer"
        case .number: "number"
        case .boolean: "boolean"
        case .array: "array"
        }
    }

    private var constraints: [JSONMember] {
        switch kind {
        case .object(let properties): Self.members(properties)
        case .anyObject: [JSONMember("additionalProperties", true)]
        case .text(let length, let format): text(length, format)
        case .word(let words):
            [JSONMember("enum", .array(words.map(JSONValue.string) + (isNullable ? [.null] : [])))]
        case .integer(let range):
            [
                JSONMember("minimum", .integer(Int64(range.lowerBound))),
                JSONMember("maximum", .integer(Int64(range.upperBound))),
            ]
        case .number(let range):
            [JSONMember("minimum", .number(range.lowerBound)), JSONMember("maximum", .number(range.upperBound))]
        case .boolean: []
        case .array(let element, let count):
            [
                JSONMember("items", element.reference), JSONMember("minItems", .integer(Int64(count.lowerBound))),
                JSONMember("maxItems", .integer(Int64(count.upperBound))),
            ]
        }
    }

    private static func members(_ properties: [Property]) -> [JSONMember] {
        let required = properties.filter(\.isRequired).map { JSONValue.string($0.name) }
        var members = [
            JSONMember("properties", .object(properties.map { JSONMember($0.name, $0.schema.reference) }))
        ]
        if !required.isEmpty { members.append(JSONMember("required", .array(required))) }
        members.append(JSONMember("additionalProperties", false))
        return members
    }

    private func text(_ length: ClosedRange<Int>, _ format: TextFormat?) -> [JSONMember] {
        var members: [JSONMember] = []
        if let name = format?.name { members.append(JSONMember("format", .string(name))) }
        members.append(JSONMember("minLength", .integer(Int64(length.lowerBound))))
        members.append(JSONMember("maxLength", .integer(Int64(length.upperBound))))
        // Text without a form of its own still has no control characters.
        let clean =
            isMultiline
            ? #"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$"# : #"^[^\u0000-\u001F\u007F-\u009F]*$"#
        if let pattern = format == nil ? clean : format?.pattern {
            members.append(JSONMember("pattern", .string(pattern)))
        }
        return members
    }

    /// All schemas with a name in this one, itself included.
    var named: [Schema] {
        let inside: [Schema] =
            switch kind {
            case .object(let properties): properties.flatMap(\.schema.named)
            case .array(let element, _): element.named
            default: []
            }
        return name == nil ? inside : [self] + inside
    }

    /// A value of this shape: the example given, or one made of the examples of its parts.
    ///
    /// - Parameter isSent: whether a client sends it, so that what only the server sets is left out.
    /// - Returns: the value.
    func sample(isSent: Bool) -> JSONValue {
        if let example { return example }
        switch kind {
        case .object(let properties):
            let shown = properties.filter { isSent ? !$0.schema.isReadOnly : !$0.schema.isSecret }
            return .object(shown.map { JSONMember($0.name, $0.schema.sample(isSent: isSent)) })
        case .anyObject: return .object([])
        case .text(let length, let format): return .string(format?.example ?? Self.words(length))
        case .word(let words): return words.first.map(JSONValue.string) ?? .null
        case .integer(let range): return .integer(Int64(range.lowerBound))
        case .number(let range): return .number(range.lowerBound)
        case .boolean: return false
        case .array(let element, let count):
            return .array(Array(repeating: element.sample(isSent: isSent), count: max(1, count.lowerBound)))
        }
    }

    private static func words(_ length: ClosedRange<Int>) -> String {
        let text = "words for this field "
        let count = min(max(length.lowerBound, 5), length.upperBound)
        return String(String(repeating: text, count: count / text.count + 1).prefix(count))
    }
}
