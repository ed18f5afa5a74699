internal import HTTPTypes
internal import Hummingbird
internal import Kernel

extension AdministrationModule {
    /// A page for admins.
    func page(
        _ path: String,
        _ operationID: String,
        _ summary: String,
        parameters: [Parameter] = [],
        handler: @escaping Endpoint.Handler
    ) -> Endpoint {
        Endpoint(
            .get,
            path,
            .page,
            operationID,
            summary,
            tag: Self.tag,
            access: Self.admins,
            parameters: parameters,
            statementBudget: 6,
            handler: handler
        )
    }

    /// A button for admins.
    func action(
        _ path: String,
        _ operationID: String,
        _ summary: String,
        parameters: [Parameter] = [],
        statementBudget: Int = 12,
        handler: @escaping @Sendable (PlatformContext) async throws -> Response
    ) -> Endpoint {
        Endpoint(
            .post,
            path,
            .page,
            operationID,
            summary,
            tag: Self.tag,
            access: Self.admins,
            parameters: parameters,
            statementBudget: statementBudget
        ) { _, context in try await handler(context) }
    }
}
