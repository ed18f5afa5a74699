/// The settings of the platform: the database, mail, and what is on.
extension ConfigurationKey {
    /// All of them.
    static let platform = [
        platformSwitch, publicURL, databaseURL, databaseConnections, databasePrograms, platformSecret, trustedProxies,
        smtpURL, smtpAuthorities, mailFrom, courses, shop, social,
    ]

    static let platformSwitch = ConfigurationKey(
        path: ["platform"],
        defaultValue: "on",
        expected: "on or off",
        summary: "whether there are accounts, pages and the API besides the media",
        meaning: """
            `on` has accounts, pages and an API besides the media ([Platform](platform.md)); `off` serves media alone and needs no \
            database
            """
    )
    static let publicURL = ConfigurationKey(
        path: ["public", "url"],
        defaultValue: "",
        expected: "an address http://HOST[:PORT] or https://HOST[:PORT], or nothing",
        summary: "where people reach the server, for links in mails; nothing: http://localhost with the port",
        shownDefault: "`http://localhost:PORT`",
        meaning: """
            where people reach the server, `https://HOST`: links in mails begin with it, and forms are taken from its pages, besides \
            those of the host that the browser has called
            """
    )
    static let databaseURL = ConfigurationKey(
        path: ["database", "url"],
        defaultValue: "",
        expected: "an address postgresql://USER:PASSWORD@HOST/DATABASE, or nothing for a database of the server's own",
        summary: "the PostgreSQL database; nothing: the server runs one of its own in the data folder",
        shownDefault: "the server's own",
        meaning: """
            a PostgreSQL database, 15 or newer, as `postgresql://USER:PASSWORD@HOST/DATABASE?sslmode=verify-full`. Without it the server \
            runs a PostgreSQL of its own in the data folder, on a socket that only it can reach ([Database](database.md))
            """,
        isSecret: true
    )
    static let databaseConnections = ConfigurationKey(
        path: ["database", "connections"],
        defaultValue: "6",
        expected: "a whole number from 2 to 64",
        summary: "how many connections to the database are open at most",
        meaning: """
            how many connections to the database are open at most, 2 to 64, besides three that listen for notifications
            """
    )
    static let databasePrograms = ConfigurationKey(
        path: ["database", "bin"],
        defaultValue: "",
        expected: "a folder with initdb, postgres and pg_dump, or nothing for Debian's",
        summary: "the folder with PostgreSQL's programs, for a database of the server's own",
        shownDefault: "where Debian has them",
        meaning: """
            the folder with PostgreSQL's programs (`initdb`, `postgres`, `pg_dump`), where they are not where Debian's packages have them
            """
    )
    static let platformSecret = ConfigurationKey(
        path: ["secret"],
        defaultValue: "",
        expected: "at least 32 characters, or nothing: then one is made in the data folder",
        summary: "what forms and page links are signed with, and secrets in the database sealed",
        shownDefault: "made in the data folder",
        meaning: """
            what forms and page links are signed with and secrets in the database are sealed with; at least 32 characters. Servers that \
            share a database need the same
            """,
        isSecret: true
    )
    static let trustedProxies = ConfigurationKey(
        path: ["trusted", "proxies"],
        defaultValue: "127.0.0.1,::1",
        expected: "addresses and networks such as 10.0.0.0/8, separated by commas, or none",
        summary: "the proxies whose word on a client's address and on TLS is taken",
        meaning: """
            proxies in front of the server, as addresses and networks such as `10.0.0.0/8`, separated by commas: their word on a client's \
            address (`X-Forwarded-For`) and on TLS (`X-Forwarded-Proto`) is taken; `none` trusts nobody
            """
    )
    static let smtpURL = ConfigurationKey(
        path: ["smtp", "url"],
        defaultValue: "",
        expected: "an address smtp://[USER:PASSWORD@]HOST[:PORT] or smtps://..., or nothing",
        summary: "the server that sends mails; nothing: they are put into the folder mail in the data folder",
        shownDefault: "a folder",
        meaning: """
            the server that sends mails: `smtp://USER:PASSWORD@HOST:587` with STARTTLS, or `smtps://` with TLS from the start. Without it \
            mails are put as files into the folder `mail` in the data folder
            """,
        isSecret: true
    )
    static let smtpAuthorities = ConfigurationKey(
        path: ["smtp", "ca"],
        defaultValue: "",
        expected: "a file with certificates in PEM form, or nothing",
        summary: "authorities that the mail server's certificate may have besides the system's",
        shownDefault: "none",
        meaning: """
            file with authorities, in PEM form, that the mail server's certificate may have besides the system's
            """
    )
    static let mailFrom = ConfigurationKey(
        path: ["mail", "from"],
        defaultValue: "lyceum@localhost",
        expected: "a mail address",
        summary: "the address that mails come from",
        meaning: "the address that mails come from"
    )
    static let courses = ConfigurationKey(
        path: ["courses"],
        defaultValue: "off",
        expected: "on or off",
        summary: "whether there are courses",
        meaning: "whether the pages and the API of courses are there"
    )
    static let shop = ConfigurationKey(
        path: ["shop"],
        defaultValue: "off",
        expected: "on or off",
        summary: "whether there is a shop",
        meaning: "whether the pages and the API of the shop are there"
    )
    static let social = ConfigurationKey(
        path: ["social"],
        defaultValue: "off",
        expected: "on or off",
        summary: "whether there are posts and followers",
        meaning: "whether the pages and the API of posts and followers are there"
    )
}
