import NIOHTTP1

/// The pages for people, each readable and, where the browser has HLS, playable without JavaScript.
struct Pages: Sendable {
    /// The addresses of what the pages load.
    let assets: AssetCatalog
    /// Where hls.js is, if this server does not have it itself.
    let hlsAddress: String?
    /// The port that streamers publish to, to be told on the home page.
    let rtmpPort: Int?

    /// A page.
    ///
    /// - Parameters:
    ///   - status: the status it is sent with.
    ///   - title: the document's title.
    ///   - script: the asset that brings the page to life, if any.
    ///   - head: what else is told of it, as to sites that show a preview of it.
    ///   - isListed: whether it may be found by those who have not been given its address.
    ///   - content: what stands below the header.
    /// - Returns: the page.
    func page(
        _ status: HTTPResponseStatus,
        title: String,
        script: String? = nil,
        head: HTML = "",
        isListed: Bool = true,
        _ content: HTML
    ) -> Response {
        let address = script.flatMap(assets.address)
        let module: HTML = address.map { "<script type=\"module\" src=\"\($0)\"></script>" } ?? ""
        let robots: HTML = isListed ? "" : "\n<meta name=\"robots\" content=\"noindex\">"
        let document: HTML = """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">\(robots)
            <title>\(title)</title>
            \(head)
            <link rel="icon" href="\(assets.address(of: "icon.svg") ?? "")" type="image/svg+xml">
            <link rel="stylesheet" href="\(assets.address(of: "style.css") ?? "")">
            \(module)
            </head>
            <body>
            <a class="skip" href="#content">Skip to content</a>
            <header class="site"><a class="brand" href="/"><svg viewBox="0 0 32 32" aria-hidden="true">\
            <path d="M4 13 16 4l12 9M7 13v12M13 13v12M19 13v12M25 13v12M3 28h26"/></svg>Lyceum</a></header>
            <main id="content">
            \(content)
            </main>
            </body>
            </html>

            """
        var fields = fields
        fields.add("Referrer-Policy", isListed ? "strict-origin-when-cross-origin" : "no-referrer")
        if !isListed { fields.add("X-Robots-Tag", "noindex") }
        fields.add("Cache-Control", status == .ok ? "no-cache" : "no-store")
        return Response(status, .html, document.markup, fields)
    }

    /// How this site is reached from elsewhere; `nil` where a peer's Host is none that goes onto a page.
    static func site(_ headers: HTTPHeaders, scheme: String) -> String? {
        guard let host = headers.first(name: "host"), let name = hostName(host) else { return nil }
        let port = host.dropFirst(name.count)
        guard port.isEmpty || (port.first == ":" && UInt16(port.dropFirst()) != nil) else { return nil }
        // A proxy in front knows better.
        let isSecure = scheme == "https" || headers.first(name: "x-forwarded-proto") == "https"
        return "\(isSecure ? "https" : "http")://\(name)\(port)"
    }

    /// What a path without a page gets.
    var notFound: Response {
        page(
            .notFound,
            title: "Page not found · Lyceum",
            """
            <section class="notice"><h1>There is no such page</h1>
            <p>The address may be mistyped. Names of lives have letters, digits, <code>-</code>, <code>_</code> and \
            <code>.</code> only.</p><p><a class="button" href="/">See what is live</a></p></section>
            """
        )
    }

    /// Nothing but what this server itself serves runs or loads on a page, hls.js from its fallback address excepted;
    /// `blob:` is how Media Source Extensions hand a stream to the video element.
    ///
    /// Other sites may not frame the pages: they are made to be visited, and a page that can be framed can be dressed
    /// up as something else.
    private var fields: HeaderFields {
        var fields = HeaderFields()
        let elsewhere = hlsAddress.map { " " + $0 } ?? ""
        fields.add(
            "Content-Security-Policy",
            "default-src 'none'; script-src 'self'\(elsewhere); style-src 'self'; img-src 'self'; font-src 'self'; "
                + "connect-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'none'; "
                + "frame-ancestors 'self'"
        )
        fields.add("X-Content-Type-Options", "nosniff")
        fields.add("X-Frame-Options", "SAMEORIGIN")
        return fields
    }
}
