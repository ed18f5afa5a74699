internal import HTTPTypes
internal import Hummingbird
internal import Kernel
internal import Web

extension AdministrationModule {
    private struct JobsModel: ViewModel {
        let counts: Facts
        let search: Form
        let jobs: Table
    }

    private struct JobModel: ViewModel {
        let title: String
        let facts: Facts
        let error: String?
        let payload: String?
        let actions: [ActionButton]
    }

    private struct LettersModel: ViewModel {
        let letters: Table
        let retryAll: ActionButton?
    }

    /// The pages of jobs and dead letters.
    var jobPages: [Endpoint] {
        [
            page("/admin/jobs", "jobsPage", "Jobs", parameters: Parameter.paging + JobQuery.parameters) {
                request,
                context in
                let query = try context.decodeQuery(JobQuery.self)
                let (page, counts) = try await jobs(query.filter, context)
                let model = JobsModel(
                    counts: Self.facts(counts),
                    search: Self.search(query),
                    jobs: Self.table(page.data.map(\.job), Pagination(of: "jobs", page, request))
                )
                return try pages.render(
                    "admin-jobs",
                    model,
                    head: PageHead("Jobs", area: .administration),
                    request: request,
                    context: context
                )
            },
            page("/admin/jobs/{id}", "jobPage", "One job", parameters: [Self.jobID]) { request, context in
                let job = try await job(context)
                let model = JobModel(
                    title: job.kind,
                    facts: Self.facts(job),
                    error: job.lastError,
                    payload: nil,
                    actions: Self.actions(job)
                )
                return try pages.render(
                    "admin-job",
                    model,
                    head: PageHead("Job \(job.publicID)", area: .administration, scripts: ["progress.js"]),
                    request: request,
                    context: context
                )
            },
            page("/admin/dead-letters", "deadLettersPage", "Jobs that were given up", parameters: Parameter.paging) {
                request,
                context in
                let page = try await jobs(.init(state: .dead), context).page
                let letters = page.data.map(\.job)
                let model = LettersModel(
                    letters: Self.letters(letters, Pagination(of: "dead letters", page, request)),
                    retryAll: letters.isEmpty
                        ? nil : ActionButton("Try all again", action: "/admin/dead-letters/retry")
                )
                return try pages.render(
                    "admin-dead-letters",
                    model,
                    head: PageHead("Dead letters", area: .administration),
                    request: request,
                    context: context
                )
            },
            action("/admin/jobs/{id}/retry", "retryJobForm", "Begins a job anew", parameters: [Self.jobID]) { context in
                let job = try await retryJob(context)
                return .seeOther(
                    "/admin/jobs/\(job.publicID)",
                    saying: Flash(.success, "The job is tried again."),
                    context
                )
            },
            action("/admin/jobs/{id}/cancel", "cancelJobForm", "Ends a job", parameters: [Self.jobID]) { context in
                let job = try await cancelJob(context)
                let words = job.state == .cancelled ? "The job is cancelled." : "The job is told to end."
                return .seeOther("/admin/jobs/\(job.publicID)", saying: Flash(.success, words), context)
            },
            action("/admin/dead-letters/retry", "retryAllJobsForm", "Begins all dead letters anew") { context in
                let count = try await retryAllDead(context)
                return .seeOther("/admin/dead-letters", saying: Flash(.success, "Tried again: \(count)."), context)
            },
        ]
    }

    private static func facts(_ counts: JobCounts) -> Facts {
        Facts([
            ("Waiting", .text("\(counts.queued)")), ("Due now", .text("\(counts.due)")),
            ("Running", .text("\(counts.running)")), ("Dead", .text("\(counts.dead)")),
        ])
    }

    private static func search(_ query: JobQuery) -> Form {
        let states = [Input.Option("", "Any")] + JobState.allCases.map { Input.Option($0.rawValue, $0.rawValue) }
        return Form(
            "search",
            action: "/admin/jobs",
            submit: "Search",
            inputs: [
                Input("kind", "Kind", maximumLength: 100, values: [query.kind].compactMap { $0 }),
                Input("state", "State", .select(states), values: [query.state].compactMap { $0 }),
            ],
            isSearch: true
        )
    }

    private static func table(_ jobs: [JobSummary], _ pagination: Pagination) -> Table {
        Table(
            "Jobs",
            columns: ["Job", "State", "Progress", "Attempts", "Next run"],
            rows: jobs.map { job in
                [
                    .link(job.publicID, "/admin/jobs/\(job.publicID)", detail: job.kind), .badge(badge(job.state)),
                    job.state == .running || job.state == .done
                        ? .progress(Progress(job.kind, fraction: job.progress)) : .none("not begun"),
                    .text("\(job.attempts)"), job.state == .queued ? .time(Moment(job.runAt)) : .none(),
                ]
            },
            empty: EmptyState("No jobs", "Nothing waits, and nothing was done that is still remembered."),
            pagination: pagination
        )
    }

    private static func letters(_ jobs: [JobSummary], _ pagination: Pagination) -> Table {
        Table(
            "Dead letters",
            columns: ["Job", "Error", "Attempts", "Failed", "Action"],
            rows: jobs.map { job in
                [
                    .link(job.publicID, "/admin/jobs/\(job.publicID)", detail: job.kind),
                    .foreign(job.lastError ?? "no error was noted"), .text("\(job.attempts)"),
                    job.finishedAt.map { .time(Moment($0)) } ?? .none(), .actions(actions(job)),
                ]
            },
            empty: EmptyState("No dead letters", "Every job has come to its end."),
            pagination: pagination
        )
    }

    private static func facts(_ job: JobSummary) -> Facts {
        var facts: [(term: String, fact: Cell)] = [
            ("Public id", .code(job.publicID)), ("State", .badge(badge(job.state))),
            ("Progress", .progress(Progress(job.kind, fraction: job.progress, stream: stream(job)))),
        ]
        if let note = job.note { facts.append(("Note", .foreign(note))) }
        facts += [
            ("Attempts", .text("\(job.attempts)")), ("Queued", .time(Moment(job.createdAt))),
            ("Due", .time(Moment(job.runAt))),
        ]
        if let finished = job.finishedAt { facts.append(("Finished", .time(Moment(finished)))) }
        return Facts(facts)
    }

    private static func stream(_ job: JobSummary) -> String? {
        job.state == .running ? "/admin/jobs/\(job.publicID)/events" : nil
    }

    private static func actions(_ job: JobSummary) -> [ActionButton] {
        let path = "/admin/jobs/\(job.publicID)"
        return switch job.state {
        case .dead, .cancelled: [ActionButton("Try again", action: "\(path)/retry", subject: job.publicID)]
        case .queued, .running:
            job.isCancelRequested
                ? []
                : [
                    ActionButton(
                        "Cancel",
                        action: "\(path)/cancel",
                        subject: job.publicID,
                        confirmation: "Cancel this job?"
                    )
                ]
        case .done: []
        }
    }

    private static func badge(_ state: JobState) -> Badge {
        switch state {
        case .queued, .cancelled: Badge(state.rawValue)
        case .running: Badge(state.rawValue, .live)
        case .done: Badge(state.rawValue, .good)
        case .dead: Badge(state.rawValue, .bad)
        }
    }
}
