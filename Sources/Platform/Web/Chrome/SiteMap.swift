/// What the navigation shows, and to whom.
public struct SiteMap: Sendable {
    /// To whom an entry is shown.
    ///
    /// It opens nothing: each page decides by itself who may see it.
    public enum Audience: Sendable {
        /// To everybody.
        case everyone
        /// To visitors.
        case visitors
        /// To all who are signed in.
        case signedIn
        /// To those with the role of this name.
        case role(String)

        func includes(_ viewer: PageFrame.Viewer?) -> Bool {
            switch self {
            case .everyone: true
            case .visitors: viewer == nil
            case .signedIn: viewer != nil
            case .role(let role): viewer?.roles.contains(role) ?? false
            }
        }
    }

    /// One entry.
    public struct Entry: Sendable {
        /// What it is called.
        public let label: String
        /// Where it leads.
        public let path: String
        /// To whom it is shown.
        public let audience: Audience

        /// An entry.
        public init(_ label: String, _ path: String, for audience: Audience = .everyone) {
            self.label = label
            self.path = path
            self.audience = audience
        }

        /// Whether a page at this path is the entry's own or lies below it.
        func covers(_ path: String) -> Bool {
            let place = path.prefix { $0 != "?" }
            return place == self.path || (self.path != "/" && place.hasPrefix(self.path + "/"))
        }
    }

    /// Pages that belong together and share a navigation of their own.
    public struct AreaID: RawRepresentable, Hashable, Sendable {
        /// The name.
        public let rawValue: String

        /// An area of this name.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// One's own account.
        public static let account = AreaID(rawValue: "account")
        /// The administration.
        public static let administration = AreaID(rawValue: "administration")
    }

    /// The navigation of an area.
    public struct Area: Sendable {
        /// What the area is called.
        public let title: String
        /// Its pages.
        public let entries: [Entry]

        /// The navigation of an area.
        public init(_ title: String, _ entries: [Entry]) {
            self.title = title
            self.entries = entries
        }
    }

    /// The entries at the top of every page.
    public var main: [Entry]
    /// The areas.
    public var areas: [AreaID: Area]

    /// A map of these entries.
    public init(main: [Entry], areas: [AreaID: Area]) {
        self.main = main
        self.areas = areas
    }

    /// The pages of accounts and of the administration.
    public static let groundFloor = SiteMap(
        main: [
            Entry("Home", "/"),
            Entry("Account", "/account", for: .signedIn),
            Entry("Administration", "/admin", for: .role("admin")),
            Entry("Sign in", "/sign-in", for: .visitors),
            Entry("Sign up", "/sign-up", for: .visitors),
        ],
        areas: [
            .account: Area(
                "Your account",
                [
                    Entry("Profile", "/account/profile"),
                    Entry("E-mail", "/account/email"),
                    Entry("Password", "/account/password"),
                    Entry("Second factor", "/account/second-factor"),
                    Entry("Sessions", "/account/sessions"),
                    Entry("API tokens", "/account/tokens"),
                    Entry("Your data", "/account/data"),
                ]
            ),
            .administration: Area(
                "Administration",
                [
                    Entry("Users", "/admin/users"),
                    Entry("Jobs", "/admin/jobs"),
                    Entry("Dead letters", "/admin/dead-letters"),
                    Entry("Audit", "/admin/audit"),
                    Entry("Flags", "/admin/flags"),
                    Entry("Health", "/admin/health"),
                ]
            ),
        ]
    )
}
