internal import HTTPTypes
internal import Hummingbird
public import Kernel

/// What pages need besides themselves: the style sheet and the scripts, and the choice of colours.
public struct WebModule: PlatformModule {
    private let assets: StaticAssets

    /// The assets of a renderer, and the choice of colours.
    public init(_ renderer: PageRenderer) { assets = renderer.assets }

    /// The addresses.
    public var endpoints: [Endpoint] { [theme] + files }

    /// Each file has an address of its own: nothing that a request says is looked up.
    private var files: [Endpoint] {
        assets.names.compactMap { name in
            assets.path(of: name).map { path in
                Endpoint(
                    .get,
                    path,
                    .page,
                    "asset" + name.prefix(1).uppercased() + name.dropFirst().filter { $0 != "." },
                    "A file that pages load",
                    tag: "Pages",
                    access: .everyone,
                    responses: [EndpointResponse(200, "The file.", contentType: "*/*")],
                    statementBudget: 0
                ) { [assets] _, _ in
                    guard let response = assets.response(for: String(path.dropFirst(StaticAssets.prefix.count))) else {
                        throw Problem.notFound
                    }
                    return response
                }
            }
        }
    }

    private var theme: Endpoint {
        Endpoint(
            .post,
            "/theme",
            .page,
            "chooseTheme",
            "Chooses the colours of pages",
            tag: "Pages",
            access: .everyone,
            body: .form(
                .object([
                    .required("theme", .word(Theme.self)),
                    .optional("return", .text(0...2048)),
                ])
            ),
            statementBudget: 1
        ) { _, context in
            let choice = Theme(choice: context.bodyFields["theme"])
            return .seeOther(
                context.bodyFields["return"] ?? "/",
                headers: [.setCookie: choice.cookie(isSecure: context.isSecure)]
            )
        }
    }
}
