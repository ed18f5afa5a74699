/// What a page says of itself to the layout.
public struct PageHead: Sendable {
    /// The title, unique among the pages of the site, without the site's name.
    public let title: String
    /// The area whose navigation stands beside the content.
    public let area: SiteMap.AreaID?
    /// The scripts that this page loads besides those of every page, by the names of their assets.
    public let scripts: [String]

    /// What a page says of itself.
    ///
    /// - Parameters:
    ///   - title: the title, without the site's name.
    ///   - area: the area it belongs to, if any.
    ///   - scripts: names of assets, as `progress.js`.
    public init(_ title: String, area: SiteMap.AreaID? = nil, scripts: [String] = []) {
        self.title = title
        self.area = area
        self.scripts = scripts
    }
}

/// Who looks at a page, and how: what the layout needs of a request.
public struct PageFrame: Sendable {
    /// Who is signed in.
    public struct Viewer: Sendable {
        /// The name to greet.
        public let name: String
        /// The names of the roles.
        public let roles: Set<String>

        /// Somebody signed in.
        public init(name: String, roles: Set<String>) {
            self.name = name
            self.roles = roles
        }
    }

    /// Who is signed in; `nil` for a visitor.
    public let viewer: Viewer?
    /// The path and the query of the page, to come back to.
    public let path: String
    /// What forms carry so that no other site can send them.
    public let csrfToken: String
    /// The nonce that the answer's Content-Security-Policy lets scripts run with.
    public let nonce: String
    /// The chosen theme.
    public let theme: Theme
    /// What the last action has to say.
    public let flash: Flash?

    /// What the layout needs of a request.
    ///
    /// - Parameters:
    ///   - viewer: who is signed in.
    ///   - path: the path and the query of the page.
    ///   - csrfToken: what forms carry.
    ///   - nonce: what scripts run with.
    ///   - theme: the chosen theme.
    ///   - flash: what the last action has to say.
    public init(
        viewer: Viewer?,
        path: String,
        csrfToken: String,
        nonce: String,
        theme: Theme = .system,
        flash: Flash? = nil
    ) {
        self.viewer = viewer
        self.path = path
        self.csrfToken = csrfToken
        self.nonce = nonce
        self.theme = theme
        self.flash = flash
    }
}
