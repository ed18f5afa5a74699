internal import Cryptography
internal import HTTPTypes
public import Hummingbird
internal import NIOCore

/// The style sheet, the icon and the scripts of the pages.
///
/// Each is served under an address with a hash of its content in it, which may be kept for ever: another content has
/// another address. Other addresses below the prefix do not exist.
public struct StaticAssets: Sendable {
    private struct Asset: Sendable {
        let type: String
        let body: ByteBuffer
    }

    /// What all addresses begin with.
    ///
    /// The media pages have `/assets/`.
    public static let prefix = "/static/"
    /// The scripts that every page loads; none is needed for a page to work.
    static let scriptsOfEveryPage = ["copy.js", "confirm.js", "reveal.js", "times.js"]

    private let paths: [String: String]
    private let assets: [String: Asset]

    /// The embedded files.
    public init() {
        let css = "text/css; charset=utf-8"
        let script = "text/javascript; charset=utf-8"
        self.init([
            ("platform.css", css, PackageResources.platform_css),
            ("mark.svg", "image/svg+xml", PackageResources.mark_svg),
            ("copy.js", script, PackageResources.copy_js),
            ("confirm.js", script, PackageResources.confirm_js),
            ("reveal.js", script, PackageResources.reveal_js),
            ("times.js", script, PackageResources.times_js),
            ("progress.js", script, PackageResources.progress_js),
        ])
    }

    private init(_ files: [(name: String, type: String, bytes: [UInt8])]) {
        var paths: [String: String] = [:]
        var assets: [String: Asset] = [:]
        for file in files {
            let hash = Hexadecimal.text(SHA256.digest(of: file.bytes).prefix(8))
            let parts = file.name.split(separator: ".")
            let hashedName = "\(parts[0])-\(hash).\(parts[1])"
            paths[file.name] = Self.prefix + hashedName
            assets[hashedName] = Asset(type: file.type, body: ByteBuffer(bytes: file.bytes))
        }
        self.paths = paths
        self.assets = assets
    }

    /// The address of an asset, or `nil` when there is none of the name.
    public func path(of name: String) -> String? { paths[name] }

    /// The names of all assets.
    var names: [String] { paths.keys.sorted() }

    /// Answers a request for an asset, or returns `nil` when there is none of the name.
    ///
    /// - Parameter hashedName: what follows ``prefix`` in the path.
    /// - Returns: the answer.
    public func response(for hashedName: String) -> Response? {
        guard let asset = assets[hashedName] else { return nil }
        return Response(
            status: .ok,
            headers: [
                .contentType: asset.type,
                .cacheControl: "public, max-age=31536000, immutable",
                .xContentTypeOptions: "nosniff",
            ],
            body: ResponseBody(byteBuffer: asset.body)
        )
    }
}
