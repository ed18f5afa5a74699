import FoundationEssentials

@testable import Web

/// Writes pages with their style sheet and scripts as files, for a browser that opens them without a server.
struct Preview {
    let folder: String
    let renderer: PageRenderer

    func write(_ samples: [Sample]) throws {
        for sample in samples {
            for theme in [Theme.light, .dark] {
                let document = try sample.document(renderer, theme: theme)
                try write(document, to: "\(sample.name)-\(theme.rawValue).html")
            }
        }
        // Nobody's name ends a line by itself.
        let long = String(repeating: "Wolfeschlegelsteinhausen", count: 5)
        for sample in Samples(long).all {
            try write(try sample.document(renderer, theme: .light, word: long), to: "\(sample.name)-long.html")
        }
        let files = [
            ("platform.css", PackageResources.platform_css), ("mark.svg", PackageResources.mark_svg),
            ("copy.js", PackageResources.copy_js), ("confirm.js", PackageResources.confirm_js),
            ("reveal.js", PackageResources.reveal_js), ("times.js", PackageResources.times_js),
        ]
        for (name, bytes) in files {
            guard let path = renderer.assets.path(of: name) else { continue }
            try Data(bytes).write(to: URL(filePath: "\(folder)/\(path.dropFirst(StaticAssets.prefix.count))"))
        }
    }

    private func write(_ document: String, to name: String) throws {
        let local = document.replacing("\"\(StaticAssets.prefix)", with: "\"")
        try Data(local.utf8).write(to: URL(filePath: "\(folder)/\(name)"))
    }
}
