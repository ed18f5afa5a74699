internal import Foundation

/// What a module has said of an entry, put into an answer as the JSON it is.
enum AuditDetail: Codable, Sendable, Equatable {
    case null
    case flag(Bool)
    case number(Double)
    case text(String)
    case list([AuditDetail])
    case object([String: AuditDetail])

    /// Reads what the log holds; what cannot be read is an empty object.
    init(json: String) {
        self = (try? JSONDecoder().decode(AuditDetail.self, from: Data(json.utf8))) ?? .object([:])
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let flag = try? container.decode(Bool.self) {
            self = .flag(flag)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let list = try? container.decode([AuditDetail].self) {
            self = .list(list)
        } else {
            self = .object(try container.decode([String: AuditDetail].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .flag(let flag): try container.encode(flag)
        case .number(let number):
            // A whole number stays one.
            if let whole = Int64(exactly: number) { try container.encode(whole) } else { try container.encode(number) }
        case .text(let text): try container.encode(text)
        case .list(let list): try container.encode(list)
        case .object(let object): try container.encode(object)
        }
    }
}
