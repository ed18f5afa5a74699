/// What the layout's template is given: everything around the content of a page.
struct Layout {
    let head: PageHead
    let frame: PageFrame
    let siteMap: SiteMap
    let assets: StaticAssets

    /// The names of the layout.
    var view: ViewGroup {
        ViewGroup([
            "title": head.title,
            "theme": frame.theme == .system ? nil : frame.theme.rawValue,
            "themes": Theme.allCases.map(choice),
            "styleSheet": assets.path(of: "platform.css"),
            "icon": assets.path(of: "mark.svg"),
            "scripts": (StaticAssets.scriptsOfEveryPage + head.scripts).compactMap(assets.path),
            "path": frame.path,
            "csrfToken": frame.csrfToken,
            "nonce": frame.nonce,
            "viewer": frame.viewer.map { ViewGroup(["name": $0.name]) },
            "navigation": entries(siteMap.main),
            "area": area,
            "flash": frame.flash?.node,
        ])
    }

    private var area: ViewGroup? {
        head.area.flatMap { siteMap.areas[$0] }.map { area in
            ViewGroup(["title": area.title, "entries": entries(area.entries)])
        }
    }

    private func entries(_ entries: [SiteMap.Entry]) -> [ViewGroup] {
        entries.filter { $0.audience.includes(frame.viewer) }.map { entry in
            ViewGroup(["label": entry.label, "path": entry.path, "isCurrent": entry.covers(frame.path)])
        }
    }

    private func choice(_ theme: Theme) -> ViewGroup {
        ViewGroup(["value": theme.rawValue, "label": theme.label, "isChosen": theme == frame.theme])
    }
}
