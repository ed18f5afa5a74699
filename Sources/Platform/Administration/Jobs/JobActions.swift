internal import Hummingbird
internal import HTTPTypes
internal import Kernel
internal import Postgres

extension AdministrationModule {
    /// A job as the API gives it; never its payload, which may hold what only its recipient should see.
    struct JobDocument: Encodable, Sendable {
        /// What it was made of: for pages, which show the same list.
        let job: JobSummary
        let id: String
        let kind: String
        let state: String
        let attempts: Int
        let progress: Double
        let note: String?
        let error: String?
        let isCancelRequested: Bool
        let createdAt: String
        let runAt: String
        let finishedAt: String?

        private enum CodingKeys: String, CodingKey {
            case id, kind, state, attempts, progress, note, error
            case isCancelRequested = "cancel_requested"
            case createdAt = "created_at"
            case runAt = "run_at"
            case finishedAt = "finished_at"
        }

        init(_ job: JobSummary) {
            self.job = job
            id = job.publicID
            kind = job.kind
            state = job.state.rawValue
            attempts = job.attempts
            progress = job.progress
            note = job.note
            error = job.lastError
            isCancelRequested = job.isCancelRequested
            createdAt = Timestamp.text(job.createdAt)
            runAt = Timestamp.text(job.runAt)
            finishedAt = job.finishedAt.map(Timestamp.text)
        }

        static let schema = Schema.object(
            "Job",
            [
                .required("id", .text(1...40)), .required("kind", .text(1...100)),
                .required("state", .word(JobState.self)), .required("attempts", .integer(0...1_000_000)),
                .required("progress", .number(0...1).described("How much is done, 0 to 1.")),
                .optional("note", .text(0...500).described("What the job last said about itself.")),
                .optional("error", .text(0...2000).multiline().described("Why the last attempt failed.")),
                .required("cancel_requested", .boolean), .required("created_at", .timestamp),
                .required("run_at", .timestamp.described("When it is or was due.")),
                .optional("finished_at", .timestamp),
            ]
        )
    }

    /// What a list of jobs is asked for.
    struct JobQuery: Decodable, Sendable {
        let kind: String?
        let state: String?

        static let parameters: [Parameter] = [
            .query("kind", .text(0...100).described("Only jobs of this kind.")),
            .query("state", .word([""] + JobState.allCases.map(\.rawValue)).described("Only jobs that stand here.")),
        ]

        /// An empty field of a search form is no condition.
        var filter: WorkQueue.Filter {
            WorkQueue.Filter(state: state.flatMap(JobState.init), kind: kind.flatMap { $0.isEmpty ? nil : $0 })
        }
    }

    static let jobID = Parameter.path("id", .text(1...40))

    /// A page of jobs, and how many there are of each.
    func jobs(
        _ filter: WorkQueue.Filter,
        _ context: PlatformContext
    ) async throws -> (page: Page<JobDocument>, counts: JobCounts) {
        let request = try context.pageRequest()
        let (rows, counts) = try await database.run { connection in
            (
                try WorkQueue.jobs(filter, from: request.cursor, limit: request.limit + 1, on: connection),
                try WorkQueue.counts(on: connection)
            )
        }
        return (context.page(of: rows.map(JobDocument.init), request) { ("", $0.job.id) }, counts)
    }

    /// The job of the path.
    ///
    /// - Throws: ``Problem`` 404.
    func job(_ context: PlatformContext) async throws -> JobSummary {
        let id = try context.parameter("id")
        guard let job = try await database.run({ try WorkQueue.job(id, on: $0) }) else { throw Problem.notFound }
        return job
    }

    /// Begins the job of the path anew.
    ///
    /// - Throws: ``Problem`` 404, or 409 when it is neither dead nor cancelled.
    func retryJob(_ context: PlatformContext) async throws -> JobSummary {
        try await change(context, "job.retry", "Only a job that is dead or cancelled can be tried again.") {
            try WorkQueue.retry($0, on: $1)
        }
    }

    /// Ends the job of the path.
    ///
    /// - Throws: ``Problem`` 404, or 409 when it has ended.
    func cancelJob(_ context: PlatformContext) async throws -> JobSummary {
        try await change(context, "job.cancel", "This job has already ended.") { try WorkQueue.cancel($0, on: $1) }
    }

    private func change(
        _ context: PlatformContext,
        _ action: String,
        _ refusal: String,
        _ perform: @escaping @Sendable (String, Connection) throws -> Bool
    ) async throws -> JobSummary {
        let (id, trail) = (try context.parameter("id"), AuditTrail(context))
        return try await database.transaction { connection in
            let isDone = try perform(id, connection)
            guard let job = try WorkQueue.job(id, on: connection) else { throw Problem.notFound }
            guard isDone else { throw Problem(.conflict, code: "job_state", detail: refusal) }
            try trail.record(action, on: id, .object([JSONMember("kind", .string(job.kind))]), connection)
            return job
        }
    }

    /// Begins all dead letters anew, the newest thousand at once.
    ///
    /// - Returns: how many there were.
    func retryAllDead(_ context: PlatformContext) async throws -> Int {
        let trail = AuditTrail(context)
        return try await database.transaction { connection in
            let dead = try WorkQueue.jobs(.init(state: .dead), limit: 1000, on: connection)
            let count = try dead.filter { try WorkQueue.retry($0.publicID, on: connection) }.count
            try trail.record(
                "job.retry_all",
                on: "dead",
                .object([JSONMember("count", .integer(Int64(count)))]),
                connection
            )
            return count
        }
    }
}
