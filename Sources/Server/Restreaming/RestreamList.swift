import Ingest
import MediaCore

/// The text of the file with the servers that lives are pushed to: one `NAME ADDRESS` to a line, `#` before a comment.
///
/// An address holds the stream key that its server wants, so the file is a secret.
struct RestreamList: FileList {
    private enum Line {
        case text(String)
        case target(StreamID, PushTarget, comment: String)
    }

    private var lines: [Line]

    init() {
        lines = [.text("# Where lives are pushed to. Add an address with `lyceum restream add NAME`.")]
    }

    init(_ text: String) throws(ListFault) {
        lines = []
        var texts = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        if texts.last?.isEmpty == true { texts.removeLast() }
        for (index, text) in texts.enumerated() {
            guard let line = Self.line(text) else {
                let problem = "expected a stream name and an address rtmp://HOST/APP/KEY or rtmps://HOST/APP/KEY"
                throw ListFault(line: index + 1, problem: problem)
            }
            lines.append(line)
        }
    }

    private static func line(_ text: Substring) -> Line? {
        // A # within a word is not a comment: keys may have it.
        let words = text.split(whereSeparator: \.isWhitespace)
        let content = words.prefix { !$0.hasPrefix("#") }
        guard !content.isEmpty else { return .text(String(text)) }
        guard content.count == 2, let stream = StreamID(content[0]), let target = PushTarget(url: String(content[1]))
        else { return nil }
        let comment = words.dropFirst(2).joined(separator: " ")
        return .target(stream, target, comment: comment)
    }

    var text: String {
        lines.map { line in
            switch line {
            case .text(let text): text + "\n"
            case .target(let stream, let target, let comment):
                "\(stream) \(target.url.revealed)\(comment.isEmpty ? "" : " " + comment)\n"
            }
        }.joined()
    }

    /// Every target with its stream, in the order of the lines.
    var targets: [(stream: StreamID, target: PushTarget)] {
        lines.compactMap { if case .target(let stream, let target, _) = $0 { (stream, target) } else { nil } }
    }

    /// The targets of each stream, each once.
    var targetsOfStream: [StreamID: [PushTarget]] {
        var all: [StreamID: [PushTarget]] = [:]
        for (stream, target) in targets where all[stream]?.contains(target) != true {
            all[stream, default: []].append(target)
        }
        return all
    }

    /// Adds a target at the end.
    mutating func append(_ stream: StreamID, _ target: PushTarget) {
        lines.append(.target(stream, target, comment: ""))
    }

    /// Removes the targets that are meant.
    ///
    /// - Returns: how many there were.
    mutating func remove(where isMeant: (StreamID, PushTarget) -> Bool) -> Int {
        let before = lines.count
        lines.removeAll { if case .target(let stream, let target, _) = $0 { isMeant(stream, target) } else { false } }
        return before - lines.count
    }
}

/// The file with the servers that lives are pushed to: `restream` in the data folder.
typealias RestreamFile = ListFile<RestreamList>

extension RestreamFile {
    init(dataDirectory: String) {
        self.init(path: dataDirectory + "/restream")
    }
}
