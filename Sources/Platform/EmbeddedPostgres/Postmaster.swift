internal import Glibc
internal import Logging
internal import Subprocess

/// One run of PostgreSQL, from its start to its end.
struct Postmaster: Sendable {
    /// How it came to its end.
    struct End: Hashable, Sendable {
        /// Its last words, or how it ended when it had none.
        let words: String
    }

    let configuration: Configuration
    let logger: Logger

    /// Runs it, and reaps it: a zombie would keep the next one from starting.
    ///
    /// - Parameters:
    ///   - started: told of its number; signals may be sent to it until `ended` is called.
    ///   - ready: called when it takes connections.
    ///   - ended: called when its number must not be used any more.
    /// - Returns: why it ended.
    func run(
        started: @Sendable (Int32) -> Void,
        ready: @Sendable () -> Void,
        ended: @Sendable () -> Void
    ) async -> End {
        var reader = OutputReader(logger: logger)
        do {
            let result = try await Subprocess.run(configuration, input: .none, output: .discarded, error: .sequence) {
                execution in
                started(execution.processIdentifier.value)
                defer { ended() }
                var reader = OutputReader(logger: logger)
                do {
                    for try await buffer in execution.standardError {
                        let bytes = buffer.withUnsafeBytes { Array($0) }
                        if reader.append(bytes) { ready() }
                    }
                } catch {
                    // Reading ends with an error when the process is gone before its pipe; nobody would hear a living one.
                    try? execution.send(signal: .interrupt)
                }
                reader.finish()
                return reader
            }
            reader = result.closureResult
            return End(words: reader.lastWords ?? "it ended with \(result.terminationStatus)")
        } catch {
            return End(words: "\(error)")
        }
    }
}

/// Passes on what PostgreSQL says, and remembers why it ended.
private struct OutputReader: Sendable {
    private static let rememberedLines = 4

    let logger: Logger
    private var splitter = LineSplitter()
    private var level = Logger.Level.info
    private var hasBeenReady = false
    /// The first error that counts, with what was said about it.
    private var words: [String] = []
    private var areWordsOpen = false

    init(logger: Logger) { self.logger = logger }

    /// Why it ended, if it said so.
    var lastWords: String? { words.isEmpty ? nil : words.joined(separator: "; ") }

    /// Takes what it wrote.
    ///
    /// - Returns: whether it says that it is ready.
    mutating func append(_ bytes: [UInt8]) -> Bool {
        var isReady = false
        for text in splitter.append(bytes) { isReady = take(text) || isReady }
        return isReady
    }

    mutating func finish() {
        if let rest = splitter.rest { _ = take(rest) }
    }

    private mutating func take(_ text: String) -> Bool {
        let line = PostgresLogLine(text, previous: level)
        level = line.level
        logger.log(level: line.level, "postgres", metadata: ["db.message": "\(line.text)"])
        remember(line)
        if line.isReady { (hasBeenReady, words) = (true, []) }
        return line.isReady
    }

    private mutating func remember(_ line: PostgresLogLine) {
        if line.isContinuation {
            if areWordsOpen, words.count < Self.rememberedLines { words.append(line.text) }
            return
        }
        // Later a FATAL is the end of one connection, such as one with a wrong name.
        areWordsOpen = words.isEmpty && line.isFatal && (line.level == .critical || !hasBeenReady)
        if areWordsOpen { words = [line.text] }
    }
}
