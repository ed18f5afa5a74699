import NIOCore
import NIOHTTP1

/// The files that the pages load, by name, ready to be sent.
struct AssetCatalog: Sendable {
    private struct Asset {
        let type: MediaType
        let body: ByteBuffer
        let compressed: ByteBuffer?
        /// Identifies the content; also the `v` of the address under which it may be kept for ever.
        let version: String
    }

    /// The name under which hls.js is served when the server has it.
    static let hlsName = "hls.mjs"

    private let assets: [String: Asset]

    /// The embedded files, and hls.js if there is one.
    init(hlsJavaScript: ByteBuffer?) {
        var assets = [
            "style.css": Self.asset(.css, ByteBuffer(bytes: PackageResources.style_css)),
            "home.js": Self.asset(.javaScript, ByteBuffer(bytes: PackageResources.home_js)),
            "watch.js": Self.asset(.javaScript, ByteBuffer(bytes: PackageResources.watch_js)),
            "recording.js": Self.asset(.javaScript, ByteBuffer(bytes: PackageResources.recording_js)),
            "controls.js": Self.asset(.javaScript, ByteBuffer(bytes: PackageResources.controls_js)),
            "storyboard.js": Self.asset(.javaScript, ByteBuffer(bytes: PackageResources.storyboard_js)),
            "engine.js": Self.asset(.javaScript, ByteBuffer(bytes: PackageResources.engine_js)),
            "icon.svg": Self.asset(.svg, ByteBuffer(bytes: PackageResources.icon_svg)),
        ]
        if let hlsJavaScript { assets[Self.hlsName] = Self.asset(.javaScript, hlsJavaScript) }
        self.assets = assets
    }

    /// The address of an asset of this version, or `nil` when there is none of the name.
    func address(of name: String) -> String? {
        assets[name].map { "/assets/\(name)?v=\($0.version)" }
    }

    /// Answers a request for an asset, or returns `nil` when there is none of the name.
    func respond(_ name: String, query: String?, _ headers: HTTPHeaders) -> Response? {
        guard let asset = assets[name] else { return nil }
        let isCompressed = asset.compressed != nil && ContentCoding.preferred(by: headers) == .gzip
        let tag = isCompressed ? "\"\(asset.version)-gzip\"" : "\"\(asset.version)\""
        var fields = HeaderFields()
        // Without its version an address may name another content tomorrow.
        fields.add("Cache-Control", query == "v=\(asset.version)" ? CachePolicy.immutable.value : "no-cache")
        fields.add("ETag", tag)
        fields.add("Vary", "Accept-Encoding")
        fields.add("X-Content-Type-Options", "nosniff")
        if headers[canonicalForm: "if-none-match"].contains(where: { EntityTag.list($0, contains: tag) }) {
            return Response(.notModified, fields)
        }
        let body = isCompressed ? asset.compressed ?? asset.body : asset.body
        fields.add("Content-Type", asset.type.rawValue)
        fields.add("Content-Length", String(body.readableBytes))
        if isCompressed { fields.add("Content-Encoding", "gzip") }
        return Response(.ok, fields, body: body)
    }

    private static func asset(_ type: MediaType, _ body: ByteBuffer) -> Asset {
        Asset(
            type: type,
            body: body,
            compressed: try? Gzip.compress(body, level: .asset),
            version: Checksum.crc32(body) + String(body.readableBytes, radix: 16)
        )
    }
}
