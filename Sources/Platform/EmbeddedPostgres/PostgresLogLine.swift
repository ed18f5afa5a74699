internal import Logging

/// A line of what PostgreSQL writes to standard error, with `log_line_prefix` empty: `LOG:  database system is shut down`.
struct PostgresLogLine: Hashable, Sendable {
    /// The level to log it at.
    let level: Logger.Level
    /// The text after the severity.
    let text: String
    /// Whether it goes on with the message before it.
    let isContinuation: Bool

    /// What it says when it takes connections.
    var isReady: Bool { text == "database system is ready to accept connections" }
    /// Whether a process, perhaps all of PostgreSQL, ends for this reason.
    var isFatal: Bool { ["FATAL", "PANIC"].contains(severity) || severity.isEmpty && !isContinuation }

    private let severity: String

    /// PostgreSQL's severities ("Error Message Severities" in its manual) and what they are to an operator.
    ///
    /// An ERROR is the answer to a statement, and a FATAL to a connection: whoever has sent it tells of it.
    private static let levels: [String: Logger.Level] = [
        "DEBUG": .trace, "INFO": .debug, "NOTICE": .debug, "LOG": .debug, "ERROR": .debug, "WARNING": .warning,
        "FATAL": .notice, "PANIC": .critical,
    ]
    private static let additions: Set<String> = ["DETAIL", "HINT", "CONTEXT", "STATEMENT", "QUERY", "LOCATION"]

    /// Reads a line.
    ///
    /// - Parameters:
    ///   - line: the line without its end.
    ///   - previous: the level of the line before, which continued lines have too.
    init(_ line: String, previous: Logger.Level) {
        if let colon = line.firstIndex(of: ":"), let level = Self.levels[String(line[..<colon].filter { !$0.isNumber })]
        {
            severity = String(line[..<colon])
            text = String(line[line.index(after: colon)...].drop { $0 == " " })
            self.level = level
            isContinuation = false
            return
        }
        let word = line.prefix { $0 != ":" }
        isContinuation = line.hasPrefix("\t") || Self.additions.contains(String(word))
        severity = ""
        text = String(line.drop { $0 == "\t" || $0 == " " })
        // Lines of no known form come from setpriv or from the loader: why PostgreSQL was not even begun.
        level = isContinuation ? previous : .warning
    }
}

/// Cuts what comes through a pipe into lines, none longer than it should be.
struct LineSplitter {
    private static let longest = 8192
    private var line: [UInt8] = []

    /// The lines that these bytes finish; what is too long is cut.
    mutating func append(_ bytes: [UInt8]) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                lines.append(String(decoding: line, as: UTF8.self))
                line.removeAll(keepingCapacity: true)
            } else if line.count < Self.longest {
                line.append(byte)
            }
        }
        return lines
    }

    /// What was not finished by a line's end.
    var rest: String? { line.isEmpty ? nil : String(decoding: line, as: UTF8.self) }
}
