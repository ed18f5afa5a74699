import MediaCore
import Recordings

/// A page of the list of recordings, as a program asks for it: the newest first.
struct RecordingList {
    /// A place in the list: the recording before which the next page begins, though it may be deleted by then.
    struct Cursor: Hashable {
        private let startedAt: Int64
        private let id: String

        init(_ facts: RecordingFacts) {
            startedAt = facts.startedAt
            id = facts.id.text
        }

        /// Reads what ``text`` wrote; `nil` for anything else.
        init?(_ text: some StringProtocol) {
            let parts = text.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 2, let startedAt = Int64(parts[0]), let id = RecordingID(parts[1]) else { return nil }
            self.startedAt = startedAt
            self.id = id.text
        }

        /// The place as it stands in a query.
        var text: String { "\(startedAt).\(id)" }

        /// Whether a recording comes behind this place.
        func isBefore(_ facts: RecordingFacts) -> Bool { (facts.startedAt, facts.id.text) < (startedAt, id) }
    }

    private static let usualLimit = 100
    private static let largestLimit = 500

    private let stream: StreamID?
    private let limit: Int
    private let cursor: Cursor?

    /// What a query asks for.
    init(_ query: String?) throws(QueryParameters.Fault) {
        let parameters = try QueryParameters(query, names: ["stream", "limit", "before"])
        stream = try parameters.value("stream", "the name of a stream") { StreamID($0) }
        limit =
            try parameters.value("limit", "a number from 1 to \(Self.largestLimit)") { text in
                Int(text).flatMap { (1...Self.largestLimit).contains($0) ? $0 : nil }
            } ?? Self.usualLimit
        cursor = try parameters.value("before", "the 'next' of an answer") { Cursor($0) }
    }

    /// The page, of all recordings with the newest first.
    ///
    /// Blocks, and takes time for thousands.
    func json(_ recordings: [Recording]) -> JSON {
        let wanted = recordings.lazy.filter { recording in
            let facts = recording.facts
            return (stream.map { $0.name == facts.stream } ?? true) && (cursor?.isBefore(facts) ?? true)
        }
        let found = Array(wanted.prefix(limit + 1))
        let page = found.prefix(limit)
        let next = found.count > limit ? page.last.map { Cursor($0.facts) } : nil
        return .object([
            ("recordings", .array(page.map { RecordingDocument($0).json })),
            ("next", next.map { .string($0.text) } ?? .null),
        ])
    }
}
