/// The first page: what this is for a visitor, one's own places for everybody else, and what is live.
public struct HomePage: ViewModel {
    /// A live that is running.
    public struct Live: ViewModel {
        /// The name it is published under.
        public let name: String
        /// What it is called.
        public let title: String
        /// Where it is watched.
        public let path: String
        /// How many watch, in words; `nil` where nobody counts.
        public let viewers: String?

        /// A live.
        ///
        /// - Parameters:
        ///   - name: the name it is published under.
        ///   - title: what it is called.
        ///   - path: where it is watched.
        ///   - viewers: how many watch.
        public init(name: String, title: String, path: String, viewers: Int? = nil) {
            self.name = name
            self.title = title
            self.path = path
            self.viewers = viewers.map { $0 == 1 ? "1 viewer" : "\($0) viewers" }
        }
    }

    let greeting: String?
    let lives: [Live]
    let hasLives: Bool
    let nobodyLive: EmptyState?

    /// The first page.
    ///
    /// - Parameters:
    ///   - name: the name of who is signed in; `nil` for a visitor.
    ///   - lives: what is running.
    public init(greeting name: String?, lives: [Live]) {
        greeting = name
        self.lives = lives
        hasLives = !lives.isEmpty
        nobodyLive =
            lives.isEmpty
            ? EmptyState(
                "Nobody is live at the moment",
                "What is live is listed here as soon as it begins.",
                action: Link("Look again", "/")
            )
            : nil
    }
}

/// One thing said on a page of its own: the template `notice`.
public struct Notice: ViewModel {
    let title: String
    let text: String
    let action: Link?

    /// One thing said.
    ///
    /// - Parameters:
    ///   - title: the page's heading.
    ///   - text: what there is to say.
    ///   - action: where to go next.
    public init(_ title: String, _ text: String, action: Link? = nil) {
        self.title = title
        self.text = text
        self.action = action
    }
}
