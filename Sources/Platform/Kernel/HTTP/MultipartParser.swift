/// A file that somebody sent with a form.
public struct Upload: Sendable, Hashable {
    /// What the sender calls it: to show at most, never to store under.
    public let fileName: String
    /// What the sender says it is: to be compared with what the bytes say.
    public let contentType: String
    /// The bytes.
    public let bytes: [UInt8]
}

/// Reads `multipart/form-data` (RFC 7578) that is complete and nobody vouches for.
struct MultipartParser {
    /// What it holds: fields and files by the names of their inputs.
    struct Content: Sendable, Hashable {
        var fields = FormFields()
        var files: [String: Upload] = [:]
    }

    /// More parts than any form of ours has.
    static let maximumParts = 64
    /// The largest head of a part, in bytes.
    static let maximumHead = 4096
    /// The largest field that is not a file, in bytes.
    static let maximumField = 64 << 10

    private let bytes: [UInt8]
    /// CR LF, two hyphens and the boundary.
    private let delimiter: [UInt8]

    /// Reads all parts.
    ///
    /// - Throws: ``Problem`` 400 for what is not of the form.
    static func parse(_ bytes: [UInt8], boundary: String) throws(Problem) -> Content {
        guard isBoundary(boundary) else { throw .malformed("The boundary is not one.") }
        return try MultipartParser(bytes: bytes, delimiter: Array("\r\n--\(boundary)".utf8)).parts()
    }

    /// RFC 2046 §5.1.1: 1 to 70 characters.
    private static func isBoundary(_ text: String) -> Bool {
        let marks = Set("'()+_,-./:=? ".utf8)
        return (1...70).contains(text.utf8.count) && !text.hasSuffix(" ")
            && text.utf8.allSatisfy { TextRules.isAlphanumeric($0) || marks.contains($0) }
    }

    private func parts() throws(Problem) -> Content {
        var content = Content()
        // The first delimiter has no line before it to end.
        guard bytes.starts(with: delimiter.dropFirst(2)) else { throw .malformed("The first part does not begin.") }
        var index = delimiter.count - 2
        for _ in 0..<Self.maximumParts {
            if bytes[index...].starts(with: "--".utf8) { return content }
            guard bytes[index...].starts(with: "\r\n".utf8) else {
                throw .malformed("A boundary does not end its line.")
            }
            let head = try head(from: index + 2)
            guard let end = Self.find(delimiter, in: bytes, from: head.end) else {
                throw .malformed("A part does not end.")
            }
            try take(head, bytes[head.end..<end], into: &content)
            index = end + delimiter.count
        }
        throw .malformed("There are more than \(Self.maximumParts) parts.")
    }

    private struct Head {
        var disposition = ""
        var contentType = ""
        var end = 0
    }

    private func head(from start: Int) throws(Problem) -> Head {
        var head = Head()
        var index = start
        while true {
            let limit = min(bytes.count, start + Self.maximumHead)
            guard index < limit, let end = Self.find([0x0D, 0x0A], in: bytes[..<limit], from: index) else {
                throw .malformed("The head of a part does not end.")
            }
            guard let line = String(validating: bytes[index..<end], as: UTF8.self) else {
                throw .malformed("The head of a part is not UTF-8.")
            }
            index = end + 2
            if line.isEmpty { break }
            let name = line.prefix { $0 != ":" }
            let value = line.dropFirst(name.count + 1).drop { $0 == " " }
            switch name.lowercased() {
            case "content-disposition": head.disposition = String(value)
            case "content-type": head.contentType = MediaRange(String(value)).essence
            default: break
            }
        }
        // The line feed of an empty part's head belongs to the delimiter too.
        head.end = bytes[(index - 2)...].starts(with: delimiter) ? index - 2 : index
        return head
    }

    private func take(_ head: Head, _ body: ArraySlice<UInt8>, into content: inout Content) throws(Problem) {
        let parameters = DispositionParameters(head.disposition)
        guard parameters.type == "form-data", let name = parameters["name"], name.utf8.count <= 100 else {
            throw .malformed("A part has no name.")
        }
        guard let fileName = parameters["filename"] else {
            guard body.count <= Self.maximumField, let value = String(validating: body, as: UTF8.self) else {
                throw .malformed("A field is too large or not UTF-8.")
            }
            content.fields.fields.append(FormFields.Field(name, value))
            return
        }
        // An input that no file was chosen for is sent without a name and empty.
        guard !fileName.isEmpty || !body.isEmpty else { return }
        let upload = Upload(fileName: LogText.sanitised(fileName), contentType: head.contentType, bytes: Array(body))
        guard content.files.updateValue(upload, forKey: name) == nil else {
            throw .malformed("Two files have one name.")
        }
    }

    private static func find(_ pattern: [UInt8], in bytes: some RandomAccessCollection<UInt8>, from start: Int) -> Int?
    {
        let count = pattern.count
        let found = bytes.withContiguousStorageIfAvailable { buffer -> Int? in
            guard let first = pattern.first, start + count <= buffer.count else { return nil }
            for index in start...(buffer.count - count) where buffer[index] == first {
                if (1..<count).allSatisfy({ buffer[index + $0] == pattern[$0] }) { return index }
            }
            return nil
        }
        return found ?? nil
    }
}

/// The value of Content-Disposition as browsers write it in a form (WHATWG HTML, multipart/form-data encoding): quotes and line
/// ends in names are percent-encoded, everything else stands as it is.
struct DispositionParameters {
    /// The first word, in small letters.
    let type: String
    private var values: [String: String] = [:]

    init(_ text: String) {
        var rest = Substring(text)
        type = String(rest.prefix { $0 != ";" }).lowercased()
        rest = rest.dropFirst(type.count)
        while rest.first == ";" {
            rest = rest.dropFirst().drop { $0 == " " }
            let name = rest.prefix { $0 != "=" && $0 != ";" }
            rest = rest.dropFirst(name.count)
            guard rest.hasPrefix("=\"") else { continue }
            rest = rest.dropFirst(2)
            let value = rest.prefix { $0 != "\"" }
            rest = rest.dropFirst(value.count + 1)
            values[name.lowercased()] = Self.decoded(value)
        }
    }

    subscript(name: String) -> String? { values[name] }

    private static func decoded(_ value: Substring) -> String {
        var text = ""
        var rest = value
        while let character = rest.first {
            let escape = rest.prefix(3)
            switch escape {
            case "%22": text += "\""
            case "%0D", "%0A": text += " "
            default:
                text.append(character)
                rest = rest.dropFirst()
                continue
            }
            rest = rest.dropFirst(3)
        }
        return text
    }
}
