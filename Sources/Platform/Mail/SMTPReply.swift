/// An answer of an SMTP server (RFC 5321 §4.2): a code and lines of text.
struct SMTPReply: Hashable, Sendable {
    /// 200 to 599.
    let code: Int
    /// The text of each line.
    let lines: [String]

    /// What kind of answer it is, by the first digit (RFC 5321 §4.2.1).
    var isPositive: Bool { code / 100 == 2 }
    /// Whether the same may succeed later.
    var isTransientFailure: Bool { code / 100 == 4 }

    /// Code and text for operators, cut; control characters are left out, for it may end in a log.
    var words: String {
        let text = lines.joined(separator: " ").unicodeScalars.filter { $0.properties.generalCategory != .control }
        return "\(code) \(String(String.UnicodeScalarView(text.prefix(300))))"
    }
}

/// Reads replies from bytes, however they are cut.
struct SMTPReplyReader: Sendable {
    /// What is wrong with what the server sends.
    enum Fault: Error, Hashable {
        /// A line that is no part of a reply.
        case malformed(String)
        /// More than any server has to say.
        case tooLong
    }

    /// RFC 5321 §4.5.3.1.5 says 512; some servers do not count.
    private static let longestLine = 4096
    private static let mostLines = 200

    private var line: [UInt8] = []
    private var lines: [String] = []
    private var code: Int?

    /// Whether nothing was read that is not part of a finished reply.
    var isEmpty: Bool { line.isEmpty && lines.isEmpty }

    /// Takes bytes up to the end of a reply.
    ///
    /// - Parameter bytes: what has come; what belongs to the reply is removed from it.
    /// - Returns: the reply; `nil` when it is not complete.
    /// - Throws: ``Fault``; the connection is of no more use.
    mutating func read(_ bytes: inout ArraySlice<UInt8>) throws(Fault) -> SMTPReply? {
        while let byte = bytes.popFirst() {
            guard byte == 0x0A else {
                guard line.count < Self.longestLine else { throw .tooLong }
                line.append(byte)
                continue
            }
            if line.last == 0x0D { line.removeLast() }
            defer { line.removeAll(keepingCapacity: true) }
            if let reply = try take(String(decoding: line, as: UTF8.self)) { return reply }
        }
        return nil
    }

    /// `250-text` or `250 text`, and `250` alone, which servers are seen to send (RFC 5321 §4.2 lets them).
    private mutating func take(_ text: String) throws(Fault) -> SMTPReply? {
        let digits = text.utf8.prefix(3)
        guard digits.count == 3, digits.allSatisfy({ (0x30...0x39).contains($0) }), let code = Int(text.prefix(3)),
            (200...599).contains(code), self.code == nil || self.code == code
        else { throw .malformed(String(text.prefix(80))) }
        let rest = text.dropFirst(3)
        let mark = rest.first ?? " "
        guard mark == " " || mark == "-" else {
            throw .malformed(String(text.prefix(80)))
        }
        guard lines.count < Self.mostLines else { throw .tooLong }
        lines.append(String(rest.dropFirst()))
        self.code = code
        guard mark == " " else { return nil }
        defer { (self.code, lines) = (nil, []) }
        return SMTPReply(code: code, lines: lines)
    }
}
