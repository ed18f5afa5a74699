internal import Hummingbird
internal import NIOCore

/// The OpenAPI document of the API, at `/api/v1/openapi.json`.
public struct DescriptionModule: PlatformModule {
    /// The document: indented JSON, UTF-8.
    public let document: [UInt8]

    /// The description of these endpoints; it does not describe itself.
    ///
    /// - Throws: ``RouteTable/Fault`` when they are no table.
    public init(of endpoints: [Endpoint]) throws(RouteTable.Fault) {
        document = OpenAPIDocument(try RouteTable(endpoints)).bytes
    }

    /// The address of the document.
    public var endpoints: [Endpoint] {
        let body = ByteBuffer(bytes: document)
        return [
            Endpoint(
                .get,
                "/api/v1/openapi.json",
                .api,
                "describe",
                "The description of the API",
                tag: "API",
                access: .everyone,
                responses: [EndpointResponse(200, "The document.", contentType: "application/json")],
                statementBudget: 0
            ) { _, _ in
                Response(
                    status: .ok,
                    headers: [.contentType: "application/json; charset=utf-8", .cacheControl: "public, max-age=300"],
                    body: ResponseBody(byteBuffer: body)
                )
            }
        ]
    }
}
