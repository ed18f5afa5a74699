internal import Hummingbird
internal import HTTPTypes
internal import Kernel

extension AdministrationModule {
    /// Jobs in the API.
    var jobEndpoints: [Endpoint] {
        [
            Endpoint(
                .get,
                "/api/v1/admin/jobs",
                .api,
                "listJobs",
                "Lists jobs, the newest first",
                tag: Self.tag,
                access: Self.admins,
                scope: Self.reading,
                parameters: Parameter.paging + JobQuery.parameters,
                responses: [.ok(.page(of: JobDocument.schema))],
                statementBudget: 4
            ) { request, context in
                let filter = try context.decodeQuery(JobQuery.self).filter
                return try .page(try await jobs(filter, context).page, of: request)
            },
            Endpoint(
                .get,
                "/api/v1/admin/jobs/{id}",
                .api,
                "getJob",
                "Gives a job with its progress",
                tag: Self.tag,
                access: Self.admins,
                scope: Self.reading,
                parameters: [Self.jobID],
                responses: [.ok(JobDocument.schema)],
                statementBudget: 4
            ) { _, context in try .json(JobDocument(try await job(context))) },
            change("retry", "retryJob", "Begins a dead or cancelled job anew") { try await retryJob($0) },
            change("cancel", "cancelJob", "Ends a job") { try await cancelJob($0) },
        ]
    }

    private func change(
        _ word: String,
        _ operationID: String,
        _ summary: String,
        _ perform: @escaping @Sendable (PlatformContext) async throws -> JobSummary
    ) -> Endpoint {
        Endpoint(
            .post,
            "/api/v1/admin/jobs/{id}/\(word)",
            .api,
            operationID,
            summary,
            tag: Self.tag,
            access: Self.admins,
            scope: Self.writing,
            parameters: [Self.jobID],
            responses: [.ok(JobDocument.schema), .problem(409, "The job does not stand so that this can be done.")],
            statementBudget: 12
        ) { _, context in try .json(JobDocument(try await perform(context))) }
    }
}
