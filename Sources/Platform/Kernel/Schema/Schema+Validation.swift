extension Schema {
    /// Errors told at once; a client that sends more wrong values learns of the rest afterwards.
    static let maximumErrors = 50

    /// Everything that keeps a value sent by a client from having this shape; empty when it has.
    public func errors(in value: JSONValue) -> [FieldError] {
        var errors: [FieldError] = []
        check(value, at: "", into: &errors)
        return errors
    }

    private func check(_ value: JSONValue, at pointer: String, into errors: inout [FieldError]) {
        guard errors.count < Self.maximumErrors else { return }
        if value == .null, isNullable { return }
        guard let fault = fault(of: value, at: pointer, into: &errors) else { return }
        errors.append(FieldError(pointer: pointer, code: fault.code, detail: fault.detail))
    }

    private typealias Fault = (code: String, detail: String)

    private func fault(of value: JSONValue, at pointer: String, into errors: inout [FieldError]) -> Fault? {
        switch (kind, value) {
        case (.object(let properties), .object(let members)):
            check(members, against: properties, at: pointer, into: &errors)
            return nil
        case (.array(let element, let count), .array(let values)):
            guard count.contains(values.count) else {
                return ("wrong_count", "must have \(count.lowerBound) to \(count.upperBound) values")
            }
            for (index, value) in values.enumerated() { element.check(value, at: "\(pointer)/\(index)", into: &errors) }
            return nil
        case (.text(let length, let format), .string(let text)): return fault(of: text, length, format)
        case (.word(let words), .string(let text)):
            return words.contains(text) ? nil : ("unknown_word", "must be one of: \(words.joined(separator: ", "))")
        case (.boolean, .boolean), (.anyObject, .object): return nil
        case (.integer(let range), .integer), (.integer(let range), .number):
            guard let whole = value.int else { return ("not_whole", "must be a whole number of moderate size") }
            return range.contains(whole) ? nil : Self.outOfRange(range.lowerBound, range.upperBound)
        case (.number(let range), .integer(let whole)):
            return range.contains(Double(whole)) ? nil : Self.outOfRange(range.lowerBound, range.upperBound)
        case (.number(let range), .number(let number)):
            return range.contains(number) ? nil : Self.outOfRange(range.lowerBound, range.upperBound)
        default: return ("wrong_type", "must be \(kindName)")
        }
    }

    private static func outOfRange(_ lower: some Comparable, _ upper: some Comparable) -> Fault {
        ("out_of_range", "must be from \(lower) to \(upper)")
    }

    private func fault(of text: String, _ length: ClosedRange<Int>, _ format: TextFormat?) -> Fault? {
        let count = text.unicodeScalars.count
        if count == 0, length.lowerBound > 0 { return ("required", "must not be empty") }
        if count < length.lowerBound { return ("too_short", "must have at least \(length.lowerBound) characters") }
        if count > length.upperBound { return ("too_long", "must have at most \(length.upperBound) characters") }
        let isClean = text.unicodeScalars.allSatisfy { scalar in
            scalar.properties.generalCategory != .control || (isMultiline && ["\n", "\r", "\t"].contains(scalar))
        }
        guard isClean else { return ("control_character", "must not have control characters") }
        return format.map { $0.matches(text) } == false ? ("wrong_format", format?.detail ?? "") : nil
    }

    private func check(
        _ members: [JSONMember],
        against properties: [Property],
        at pointer: String,
        into errors: inout [FieldError]
    ) {
        for property in properties {
            let place = pointer + JSONPointer.step(property.name)
            guard let member = members.first(where: { $0.name == property.name }) else {
                if property.isRequired, !property.schema.isReadOnly {
                    errors.append(FieldError(pointer: place, code: "required", detail: "is required"))
                }
                continue
            }
            if property.schema.isReadOnly {
                errors.append(FieldError(pointer: place, code: "read_only", detail: "cannot be set"))
            } else {
                property.schema.check(member.value, at: place, into: &errors)
            }
        }
        for member in members where !properties.contains(where: { $0.name == member.name }) {
            guard errors.count < Self.maximumErrors else { return }
            let place = pointer + JSONPointer.step(String(member.name.prefix(64)))
            errors.append(FieldError(pointer: place, code: "unknown", detail: "is not known here"))
        }
    }

    private var kindName: String {
        switch kind {
        case .object, .anyObject: "an object"
        case .text, .word: "text"
        case .integer: "a whole number"
        case .number: "a number"
        case .boolean: "true or false"
        case .array: "a list"
        }
    }
}
