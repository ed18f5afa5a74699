internal import Hummingbird
public import Kernel

/// The first page of the site.
public struct HomeModule: PlatformModule {
    /// What is live at the moment and may be named to everybody.
    public typealias Lives = @Sendable () -> [HomePage.Live]

    private let renderer: PageRenderer
    private let lives: Lives

    /// The first page.
    ///
    /// - Parameters:
    ///   - renderer: makes the page.
    ///   - lives: what is live; called for each request.
    public init(_ renderer: PageRenderer, lives: @escaping Lives) {
        self.renderer = renderer
        self.lives = lives
    }

    /// `/`.
    public var endpoints: [Endpoint] {
        [
            Endpoint(
                .get,
                "/",
                .page,
                "homePage",
                "The first page",
                tag: "Pages",
                access: .everyone,
                statementBudget: 1
            ) { [renderer, lives] request, context in
                try renderer.render(
                    "home",
                    HomePage(greeting: context.actor.account?.handle, lives: lives()),
                    head: PageHead("Home"),
                    request: request,
                    context: context
                )
            }
        ]
    }
}
