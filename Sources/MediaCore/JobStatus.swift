/// How a piece of long work stands, as operators see it.
public struct JobStatus: Codable, Hashable, Sendable {
    /// Where a job is in its life.
    public enum State: String, Codable, Hashable, Sendable, CaseIterable {
        /// It waits for its turn.
        case waiting
        /// It is being done.
        case running
        /// It is done.
        case done
        /// It could not be done.
        case failed
        /// Somebody has cancelled it.
        case cancelled

        /// Whether nothing more will become of it.
        public var isFinal: Bool { self == .done || self == .failed || self == .cancelled }
    }

    /// What it is called: letters and digits.
    public var id: String
    /// What kind of work it is, in one word: `import`.
    public var kind: String
    /// What people call it.
    public var title: String
    /// What is to be done, in the words of its kind.
    public var parameters: [String: String]
    /// Where it stands.
    public var state = State.waiting
    /// How much is done, 0 to 1.
    public var progress = 0.0
    /// What came of it, such as the identifier of a recording.
    public var result: String?
    /// Why it could not be done, in words.
    public var error: String?
    /// Whether the reason is in what was to be worked on, so that trying again is of no use.
    public var isOfTheInput = false
    /// What people should know of it besides.
    public var remarks: [String] = []
    /// When it was asked for, in milliseconds since 1970.
    public var createdAt: Int64
    /// When it was begun for the last time, in milliseconds since 1970.
    public var startedAt: Int64?
    /// When it ended, in milliseconds since 1970.
    public var endedAt: Int64?
    /// How often it was begun.
    public var attempts = 0

    /// A job that waits.
    public init(id: String, kind: String, title: String, parameters: [String: String], createdAt: Int64) {
        self.id = id
        self.kind = kind
        self.title = title
        self.parameters = parameters
        self.createdAt = createdAt
    }
}

/// The long work of a server, for operators.
public protocol JobDirectory: Sendable {
    /// Every job that is known, the newest first.
    var jobs: [JobStatus] { get }
    /// The job of an identifier; `nil` when there is none.
    func job(_ id: String) -> JobStatus?
    /// Cancels a job.
    ///
    /// One that waits is cancelled at once, one that runs as soon as it notices. Blocks for a moment, on the disk.
    ///
    /// - Returns: the job as it is now; `nil` when there is none.
    func cancel(_ id: String) -> JobStatus?
}

/// A file that is to become a recording.
public struct ImportRequest: Hashable, Sendable {
    /// The absolute path of a regular file, which the server opens.
    public let path: String
    /// The name that the recording belongs to, as if a live of that name had been recorded.
    public let stream: StreamID
    /// What people call it; `nil` for the file's name.
    public let title: String?
    /// Whether what is not streamable is transcoded.
    public let transcodes: Bool

    /// A file that is to be imported.
    public init(path: String, stream: StreamID, title: String? = nil, transcodes: Bool = false) {
        self.path = path
        self.stream = stream
        self.title = title
        self.transcodes = transcodes
    }
}

/// Takes files that are to become recordings.
public protocol ImportDesk: Sendable {
    /// Puts an import at the end of the waiting jobs.
    ///
    /// Blocks for a moment, on the disk.
    ///
    /// - Returns: the job; `nil` when too many wait already.
    func requestImport(_ request: ImportRequest) -> JobStatus?
}
