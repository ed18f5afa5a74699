/// What a process has written to one of its outputs so far.
public final class OutputLog: Sendable {
    /// One line and its place among the lines.
    public struct Line: Hashable, Sendable {
        /// How many lines came before it.
        public let index: Int
        /// The line without its end.
        public let text: String
    }

    private struct Content: Sendable {
        var bytes: [UInt8] = []
        var lines: [String] = []
        var lineStart = 0
        /// Up to here no line's end was found.
        var searched = 0
        var isClosed = false
    }

    private let content = Observed(Content())

    init() {}

    func append(_ new: some Collection<UInt8>) {
        content.update { content in
            content.bytes += new
            while let end = content.bytes[content.searched...].firstIndex(where: { $0 == 0x0A || $0 == 0x0D }) {
                content.lines.append(String(decoding: content.bytes[content.lineStart..<end], as: UTF8.self))
                content.lineStart = end + 1
                content.searched = content.lineStart
            }
            content.searched = content.bytes.count
        }
    }

    func close() {
        content.update { content in
            if content.lineStart < content.bytes.count {
                content.lines.append(String(decoding: content.bytes[content.lineStart...], as: UTF8.self))
                content.lineStart = content.bytes.count
            }
            content.isClosed = true
        }
    }

    /// Every byte so far.
    public var bytes: [UInt8] { content.value.bytes }
    /// Every finished line so far.
    public var lines: [String] { content.value.lines }
    /// Every byte so far as text.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The last lines, for a message about what went wrong.
    public func tail(_ count: Int = 20) -> String { lines.suffix(count).joined(separator: "\n") }

    /// The first line that matches, as soon as it is written.
    ///
    /// - Parameters:
    ///   - previous: only lines after this one are looked at; `nil` for all.
    ///   - limit: how long to wait for it.
    ///   - matches: whether a line is the wanted one.
    /// - Returns: the line.
    /// - Throws: ``DeadlineExceeded`` when it does not come in time or the output ends without it.
    public func line(
        after previous: Line? = nil,
        within limit: Duration,
        where matches: @escaping @Sendable (String) -> Bool
    ) async throws -> Line {
        let start = previous.map { $0.index + 1 } ?? 0
        let found = try await withDeadline(limit) {
            "the awaited line was not written; the last lines:\n\(self.tail())"
        } _: {
            try await self.content.first { content -> Line?? in
                if start < content.lines.count, let index = content.lines[start...].firstIndex(where: matches) {
                    return .some(Line(index: index, text: content.lines[index]))
                }
                return content.isClosed ? .some(nil) : nil
            }
        }
        guard let found else {
            throw DeadlineExceeded(description: "output ended without the awaited line; the last lines:\n\(tail())")
        }
        return found
    }

    /// The first line that contains a text, as soon as it is written.
    public func line(
        containing text: String,
        after previous: Line? = nil,
        within limit: Duration = .seconds(30)
    ) async throws -> Line {
        try await line(after: previous, within: limit) { $0.contains(text) }
    }

    /// Waits until the output has ended.
    func closed() async throws {
        _ = try await content.first { $0.isClosed ? true : nil }
    }
}
