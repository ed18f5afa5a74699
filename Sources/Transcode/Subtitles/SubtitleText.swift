/// Turns what containers have for the text of a subtitle into the text of a WebVTT cue.
enum SubtitleText {
    /// The longest text of a cue, in bytes.
    static let maximumLength = 8 << 10

    /// SubRip, WebVTT and plain text: its few tags stay, as far as WebVTT has them.
    static func fromMarkup(_ bytes: some Collection<UInt8>) -> String {
        clean(String(decoding: bytes.prefix(maximumLength), as: UTF8.self), keepsTags: true)
    }

    /// MP4's timed text (3GPP TS 26.245 §5.17): a length of two bytes, so much text, and boxes for its style.
    static func fromTimedText(_ bytes: some Collection<UInt8>) -> String {
        let head = Array(bytes.prefix(2))
        guard head.count == 2 else { return "" }
        let length = Int(head[0]) << 8 | Int(head[1])
        return clean(
            String(decoding: bytes.dropFirst(2).prefix(min(length, maximumLength)), as: UTF8.self),
            keepsTags: false
        )
    }

    /// Advanced SubStation Alpha as Matroska has it: eight fields, and the text with commands in braces.
    static func fromSubStationAlpha(_ bytes: some Collection<UInt8>) -> String {
        let line = String(decoding: bytes.prefix(maximumLength), as: UTF8.self)
        let fields = line.split(separator: ",", maxSplits: 8, omittingEmptySubsequences: false)
        guard fields.count == 9 else { return "" }
        var text = ""
        var depth = 0
        var isDrawing = false
        var command = ""
        for character in fields[8] {
            switch character {
            case "{":
                depth += 1
                command = ""
            case "}" where depth > 0:
                depth -= 1
                // \p1 and higher: what follows is a drawing, \p0: it is over.
                if let digit = drawingMode(command) { isDrawing = digit != "0" }
            default:
                if depth > 0 { command.append(character) } else if !isDrawing { text.append(character) }
            }
        }
        let lines = text.replacing("\\N", with: "\n").replacing("\\n", with: "\n").replacing("\\h", with: " ")
        return clean(lines, keepsTags: false)
    }

    /// The digit behind `\p` in a command.
    private static func drawingMode(_ command: String) -> Character? {
        command.split(separator: "\\").lazy.compactMap { part in
            part.first == "p" ? part.dropFirst().first.flatMap { $0.isNumber ? $0 : nil } : nil
        }.first
    }

    /// WebVTT §4.2.2: `&`, `<` and `>` are escaped, there is no empty line.
    private static func clean(_ text: String, keepsTags: Bool) -> String {
        var result = ""
        var rest = text.replacing("\r\n", with: "\n").replacing("\r", with: "\n")[...]
        while let character = rest.first {
            if character == "<", keepsTags, let close = rest.firstIndex(of: ">") {
                let tag = rest[rest.index(after: rest.startIndex)..<close].lowercased()
                rest = rest[rest.index(after: close)...]
                if ["b", "i", "u", "/b", "/i", "/u"].contains(tag) { result += "<\(tag)>" }
                continue
            }
            rest = rest.dropFirst()
            switch character {
            case "&" where keepsTags && isEntity(rest): result += "&"
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\0": break
            default: result.append(character)
            }
        }
        return result.split(separator: "\n").map(trimmed).filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private static func isEntity(_ rest: Substring) -> Bool {
        ["amp;", "lt;", "gt;", "nbsp;", "lrm;", "rlm;"].contains { rest.hasPrefix($0) }
    }

    private static func trimmed(_ line: Substring) -> String {
        var line = line.drop { $0 == " " || $0 == "\t" }
        while line.last == " " || line.last == "\t" { line.removeLast() }
        return String(line)
    }
}
