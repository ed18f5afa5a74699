internal import HTTPTypes
internal import Hummingbird
internal import Kernel

extension AccountsModule {
    /// One's data, in the API.
    var dataEndpoints: [Endpoint] {
        [
            Endpoint(
                .get,
                "/api/v1/me/export",
                .api,
                "exportData",
                "All that is kept about one, as a file",
                tag: "Account",
                access: .signedIn,
                rateLimit: .media,
                responses: [.ok(.anyObject, "The file.")],
                statementBudget: 16
            ) { request, context in
                try Self.file(try await personalData.export(for: Caller(request, context)))
            },
            Endpoint(
                .post,
                "/api/v1/me/deletion",
                .api,
                "deleteAccount",
                "Deletes one's account; this cannot be taken back",
                tag: "Account",
                access: .signedIn,
                rateLimit: .signIn,
                body: .json(AccountSchemas.deletion),
                idempotency: Endpoint.Idempotency.none,
                responses: [.noContent],
                statementBudget: 30
            ) { request, context in
                let body = try context.decodeBody(Deletion.self)
                try await personalData.delete(
                    password: body.password,
                    handle: body.handle,
                    by: Caller(request, context)
                )
                return Response.noContent.endingSession(context)
            },
        ]
    }

    /// One's data as a file to keep.
    static func file(_ data: PersonalData) throws -> Response {
        try .json(
            data,
            headers: [.contentDisposition: "attachment; filename=\"lyceum-\(data.profile.handle).json\""]
        )
    }
}
