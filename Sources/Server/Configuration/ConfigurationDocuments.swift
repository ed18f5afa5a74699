/// What is written from the settings for people: the table of docs/configuration.md, and .env.example.
enum ConfigurationDocuments {
    /// The lines between which docs/configuration.md has the table.
    static let (tableBegin, tableEnd) = ("<!-- lyceum config --table -->", "<!-- end of the table -->")

    /// The table of docs/configuration.md, each line ended.
    static var table: String {
        let rows = ConfigurationKey.all.map { key in
            "| `\(key.environmentName)` | \(key.shownDefault ?? "`\(key.defaultValue)`") | \(key.meaning) |\n"
        }
        return "| variable | default | meaning |\n|---|---|---|\n" + rows.joined()
    }

    /// The file .env.example: every setting with its default, none of them set.
    static var environmentFile: String {
        let head = """
            # Settings of Lyceum. Copy this file to .env, take the # away from what you set, and see docs/configuration.md for more.
            # `lyceum config` tells what results.


            """
        let entries = ConfigurationKey.all.map { key in
            "# \(key.summary)\n# (\(key.expected))\n#\(key.environmentName)=\(key.isSecret ? "" : key.defaultValue)\n"
        }
        return head + entries.joined(separator: "\n")
    }
}
