public import Foundation

/// A piece of work to be done later, as it is enqueued.
public struct NewJob: Sendable, Equatable {
    /// The most bytes of JSON a job carries: more belongs in a table of its own.
    public static let maximumPayload = 256 << 10

    /// Which handler does it, such as `mail.send`.
    public let kind: String

    /// What it is about, as JSON.
    public let payload: String

    /// How long it waits at least.
    public let delay: Duration

    /// While an unfinished job of this kind has the same key, no second one is enqueued.
    public let dedupeKey: String?

    /// Makes a job of JSON.
    ///
    /// - Parameters:
    ///   - kind: the kind of its handler, 1 to 100 characters.
    ///   - payload: JSON, at most ``maximumPayload`` bytes.
    ///   - delay: how long it waits at least.
    ///   - dedupeKey: a key that no unfinished job of this kind has twice.
    public init(kind: String, payload: String = "{}", delay: Duration = .zero, dedupeKey: String? = nil) {
        self.kind = kind
        self.payload = payload
        self.delay = delay
        self.dedupeKey = dedupeKey
    }

    /// Makes a job of a value that is written as JSON.
    ///
    /// - Parameters:
    ///   - kind: the kind of its handler.
    ///   - value: what it is about.
    ///   - delay: how long it waits at least.
    ///   - dedupeKey: a key that no unfinished job of this kind has twice.
    /// - Throws: `EncodingError`.
    public init(kind: String, of value: some Encodable, delay: Duration = .zero, dedupeKey: String? = nil) throws {
        let json = String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
        self.init(kind: kind, payload: json, delay: delay, dedupeKey: dedupeKey)
    }
}

/// Where a job stands.
///
/// ```
///               claimed            returned
///   queued -----------------> running -------> done
///     ^  ^---------------------/  |  \
///     |     failed, lease ended,  |   \-------> dead       failed for good, or too often
///     |     server stopped        v             |
///     |                        cancelled        |
///     \-------------------------/---------------/  retried by somebody
/// ```
public enum JobState: String, Sendable, CaseIterable, Codable {
    /// Waits for its time or for a worker.
    case queued
    /// A worker has it, until its lease ends.
    case running
    /// Done.
    case done
    /// Given up: a dead letter, which somebody may retry.
    case dead
    /// Ended because somebody said so.
    case cancelled
}

/// Why a handler ends a job without having done it; any other error means that it may be done later.
public enum JobError: Error, Sendable, Equatable {
    /// No attempt will succeed; says why, for operators.
    case permanent(String)

    /// Another worker has taken the job over, or somebody has cancelled it: the handler must stop.
    case leaseLost
}

/// A job as it is listed: without its payload, which may hold what only its recipient should see.
public struct JobSummary: Sendable, Equatable {
    /// The number it is sorted by, not for the outside.
    public let id: Int64
    /// The id for the outside, `job_…`.
    public let publicID: String
    /// Which handler does it.
    public let kind: String
    /// Where it stands.
    public let state: JobState
    /// How often it was begun since it was enqueued or retried.
    public let attempts: Int
    /// How much is done, 0 to 1.
    public let progress: Double
    /// What the handler last said about it.
    public let note: String?
    /// Why the last attempt failed.
    public let lastError: String?
    /// Whether it is to end.
    public let isCancelRequested: Bool
    /// When it was enqueued.
    public let createdAt: Date
    /// When it is or was due.
    public let runAt: Date
    /// When it ended.
    public let finishedAt: Date?
}

/// How full the queue is.
public struct JobCounts: Sendable, Equatable {
    /// Jobs that wait, those whose time has not come among them.
    public let queued: Int
    /// Jobs that could run now.
    public let due: Int
    /// Jobs that a worker has.
    public let running: Int
    /// Dead letters.
    public let dead: Int
    /// How long the oldest due job has waited, in seconds; 0 without one.
    public let oldestDueSeconds: Double
}
