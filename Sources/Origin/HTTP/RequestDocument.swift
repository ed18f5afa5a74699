import MediaCore
import NIOCore
import NIOHTTP1

/// A JSON object that a client sent, read member by member.
///
/// Strict: a member of another type, and one that nobody asked for, is an error that names it.
struct RequestDocument {
    /// Why a document is not taken.
    enum Fault: Error {
        /// The body is of this media type, which is none of JSON; `nil` where none was named.
        case mediaType(String?)
        /// The body is no JSON.
        case syntax(JSONSyntaxError)
        /// It is JSON, but no object.
        case notAnObject
        /// A member is wrong.
        case member(name: String, reason: String)
    }

    private var members: [String: JSON] = [:]

    /// Reads a body.
    init(_ body: ByteBuffer, _ headers: HTTPHeaders) throws(Fault) {
        let type = headers.first(name: "content-type")
        guard let type, Self.isJSON(type) else { throw .mediaType(type) }
        let document: JSON
        do throws(JSONSyntaxError) {
            document = try JSON(parsing: body.readableBytesView)
        } catch {
            throw .syntax(error)
        }
        guard case .object(let members) = document else { throw .notAnObject }
        for member in members { self.members[member.name] = member.value }
    }

    private static func isJSON(_ type: String) -> Bool {
        let essence = type.prefix { $0 != ";" && $0 != " " }
        return essence.isEqual(ignoringCaseOf: "application/json")
            || essence.isEqual(ignoringCaseOf: "application/merge-patch+json")
    }

    // MARK: - Members

    /// Takes a text; `nil` when it is not there.
    mutating func string(_ name: String) throws(Fault) -> String? {
        guard let value = members.removeValue(forKey: name) else { return nil }
        guard case .string(let text) = value else { throw .member(name: name, reason: "expected a string") }
        return text
    }

    /// Takes a truth value; `nil` when it is not there.
    mutating func boolean(_ name: String) throws(Fault) -> Bool? {
        guard let value = members.removeValue(forKey: name) else { return nil }
        guard case .boolean(let flag) = value else { throw .member(name: name, reason: "expected true or false") }
        return flag
    }

    /// Takes a number; `nil` when it is not there.
    mutating func number(_ name: String) throws(Fault) -> Double? {
        guard let value = members.removeValue(forKey: name) else { return nil }
        switch value {
        case .number(let number): return Double(number)
        case .decimal(let number): return number
        default: throw .member(name: name, reason: "expected a number")
        }
    }

    /// Ends the reading: what has not been taken is not known.
    consuming func end() throws(Fault) {
        if let name = members.keys.min() { throw .member(name: name, reason: "there is no such member here") }
    }
}

extension RequestDocument.Fault {
    /// The answer to such a document (RFC 9457), which points at a wrong member as RFC 6901 §6 does.
    var response: Response {
        switch self {
        case .mediaType(let type):
            var fields = HeaderFields()
            fields.add("Accept", "application/json, application/merge-patch+json")
            let found = type == nil ? "no Content-Type" : "another Content-Type"
            return .problem(.unsupportedMediaType, "Expected a body of application/json, found \(found).", fields)
        case .syntax(let error): return .problem(.badRequest, "The body is no JSON: \(error).")
        case .notAnObject: return .problem(.badRequest, "The body is no JSON object.")
        case .member(let name, let reason):
            let pointer = "#/" + name.replacing("~", with: "~0").replacing("/", with: "~1")
            return .problem(
                .unprocessableEntity,
                "The member '\(name)' is wrong: \(reason).",
                HeaderFields(),
                [("errors", .array([.object([("detail", .string(reason)), ("pointer", .string(pointer))])]))]
            )
        }
    }
}
