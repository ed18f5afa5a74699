internal import FoundationEssentials

/// Swift values to JSON and back: moments are RFC 3339 in UTC, keys are as they stand and sorted, so that equal values have
/// equal bytes and with them equal entity tags.
public enum JSONCoding {
    /// The JSON of a value, as UTF-8.
    ///
    /// - Throws: `EncodingError` for what JSON cannot say, as a number that is not finite.
    public static func bytes(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(Timestamp.text(date))
        }
        return Array(try encoder.encode(value))
    }

    /// The Swift value of a JSON value that a ``Schema`` has accepted.
    ///
    /// - Throws: `DecodingError` when type and schema do not belong together.
    public static func decode<Value: Decodable>(_ type: Value.Type, from value: JSONValue) throws -> Value {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let text = try decoder.singleValueContainer().decode(String.self)
            if let date = Timestamp.date(text) { return date }
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "not RFC 3339"))
        }
        return try decoder.decode(type, from: Data(value.bytes))
    }
}
