import MediaCore

/// The text of the file with the stream keys: one `NAME KEY` to a line, `#` before a comment.
///
/// A value; comments, blank lines and the order stay as a person wrote them.
struct PublishKeyList: FileList {
    private enum Line {
        case text(String)
        case key(PublishKey, comment: String)
    }

    private var lines: [Line]
    /// Keys that stood there in plain text and are hashed now.
    private(set) var newlyHashed = 0

    /// An empty list with a word about itself.
    init() {
        lines = [.text("# Stream keys, hashed. Add one with `lyceum key add NAME`, which prints it once.")]
    }

    /// Reads a file's text, hashing the keys that stand there in plain.
    ///
    /// - Throws: ``ListFault`` with the first line that is wrong; it never holds a key.
    init(_ text: String) throws(ListFault) {
        lines = []
        var texts = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        if texts.last?.isEmpty == true { texts.removeLast() }
        for (index, text) in texts.enumerated() {
            do throws(Problem) {
                lines.append(try read(text))
            } catch {
                throw ListFault(line: index + 1, problem: error.words)
            }
        }
    }

    /// The keys, in the order of their lines.
    var keys: [PublishKey] {
        lines.compactMap { if case .key(let key, _) = $0 { key } else { nil } }
    }

    /// The list as the file keeps it.
    var text: String {
        lines.map { line in
            switch line {
            case .text(let text): text + "\n"
            case .key(let key, let comment): "\(key.stream) \(key.hashed)\(comment.isEmpty ? "" : " " + comment)\n"
            }
        }.joined()
    }

    /// The stream that a secret lets in.
    ///
    /// - Complexity: O(keys), always: the time it takes does not tell which key was nearly right.
    func stream(for secret: Secret) -> StreamID? {
        var stream: StreamID?
        for key in keys where key.matches(secret) { stream = key.stream }
        return stream
    }

    /// Adds a key at the end.
    mutating func append(_ key: PublishKey) { lines.append(.key(key, comment: "")) }

    /// Removes the keys that are meant.
    ///
    /// - Returns: how many there were.
    mutating func remove(where isMeant: (PublishKey) -> Bool) -> Int {
        let before = lines.count
        lines.removeAll { if case .key(let key, _) = $0 { isMeant(key) } else { false } }
        return before - lines.count
    }

    private struct Problem: Error { let words: String }

    private mutating func read(_ text: Substring) throws(Problem) -> Line {
        let content = text.prefix { $0 != "#" }
        let words = content.split(whereSeparator: \.isWhitespace)
        guard !words.isEmpty else { return .text(String(text)) }
        guard words.count == 2 else {
            throw Problem(words: "expected a stream name and a key, found \(words.count) words")
        }
        guard let stream = StreamID(words[0]) else {
            let name = "'\(words[0])' is no stream name"
            throw Problem(words: "\(name): expected 1 to 64 letters, digits, '-', '_' or '.'")
        }
        return .key(try key(words[1], of: stream), comment: String(text.dropFirst(content.count)))
    }

    private mutating func key(_ word: Substring, of stream: StreamID) throws(Problem) -> PublishKey {
        if let key = PublishKey(stream: stream, hashed: word) { return key }
        guard !PublishKey.isHashed(word) else { throw Problem(words: "the hash is not complete") }
        if let problem = Self.problem(withSecret: String(word)) { throw Problem(words: problem) }
        let secret = Secret(String(word))
        guard self.stream(for: secret) == nil else { throw Problem(words: "the key is that of another line") }
        newlyHashed += 1
        return PublishKey(stream: stream, secret: secret)
    }

    /// Why a text cannot be a key, or `nil` when it can.
    static func problem(withSecret text: String) -> String? {
        let allowed = PublishKey.shortestSecret...PublishKey.longestSecret
        guard allowed.contains(text.count) else {
            return "the key has \(text.count) characters, expected \(allowed.lowerBound) to \(allowed.upperBound)"
        }
        // What an address or the file's own form would change.
        guard text.allSatisfy({ $0.isASCII && !$0.isWhitespace && !"?#&/:".contains($0) }) else {
            return "the key has characters other than ASCII letters, digits and signs without ? # & / :"
        }
        return nil
    }
}
