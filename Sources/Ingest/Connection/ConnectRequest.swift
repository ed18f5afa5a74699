/// What the command object of connect says (RTMP 1.0 §7.2.1.1; Enhanced RTMP v2, "Enhancing NetConnection connect Command").
struct ConnectRequest {
    /// The application and what stands behind it in the address.
    let address: ConnectAddress
    /// flashVer, which names the encoder.
    let encoder: String
    /// The capabilities of Enhanced RTMP, or `nil` when the client does not speak it.
    let capabilities: EnhancedCapabilities?

    /// Reads the command object.
    ///
    /// Encoders send it as an object, as an ECMA array, or not at all.
    init(_ object: AMF0Value?) {
        address = ConnectAddress(
            app: object?["app"]?.string ?? "",
            // In small letters from some hardware.
            tcURL: object?["tcUrl"]?.string ?? object?["tcurl"]?.string ?? ""
        )
        encoder = (object?["flashVer"]?.string ?? "").printable
        capabilities = EnhancedCapabilities(object)
    }
}

/// Enhanced RTMP's capsEx and whether codecs are named by FourCC.
struct EnhancedCapabilities: OptionSet, Hashable {
    let rawValue: UInt8

    /// The client moves when it gets NetConnection.Connect.ReconnectRequest.
    static let reconnect = Self(rawValue: 1)
    static let multitrack = Self(rawValue: 2)
    static let modEx = Self(rawValue: 4)
    static let timestampNanoOffset = Self(rawValue: 8)

    /// What this server understands.
    static let ofServer: Self = [.reconnect, .multitrack, .modEx, .timestampNanoOffset]

    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The capabilities in a connect command's object, or `nil` when it has no word of Enhanced RTMP.
    init?(_ object: AMF0Value?) {
        let words = ["fourCcList", "videoFourCcInfoMap", "audioFourCcInfoMap", "capsEx"]
        guard let object, words.contains(where: { object[$0] != nil }) else { return nil }
        // The bits of the future mean nothing here.
        let bits = object["capsEx"]?.number.flatMap { UInt64(exactly: $0) } ?? 0
        self.init(rawValue: UInt8(truncatingIfNeeded: bits & 0x0F))
    }
}

/// Where an encoder connects to: the parts of `rtmp://host/app/rest?query` that connect states in two ways.
struct ConnectAddress: Hashable {
    /// The application: the first component of the path.
    let app: String
    /// The path behind the app, without slashes at its ends: a stream key that was typed into the server's address.
    let path: String
    /// The query string without its `?`.
    let query: String

    /// Reads app, and what it leaves out from tcUrl.
    ///
    /// - Parameters:
    ///   - app: `live`, `live/key`, `live?token=1`; empty from some hardware.
    ///   - tcURL: the whole address, at times in quotes or without a path.
    init(app: String, tcURL: String) {
        let stated = Self.split(app)
        let whole = Self.split(Self.pathAndQuery(ofURL: tcURL))
        let components = (stated.path.isEmpty ? whole : stated).path.split(separator: "/")
        self.app = (components.first.map(String.init) ?? "").printable
        path = components.dropFirst().joined(separator: "/")
        query = stated.query.isEmpty ? whole.query : stated.query
    }

    private static func split(_ text: some StringProtocol) -> (path: String, query: String) {
        let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(parts.first ?? ""), parts.count > 1 ? String(parts[1]) : "")
    }

    private static func pathAndQuery(ofURL url: String) -> Substring {
        let bare = url.drop { $0 == "\"" || $0 == "'" || $0 == " " }.prefix { $0 != "\"" && $0 != "'" && $0 != " " }
        guard let scheme = bare.firstRange(of: "://") else { return bare }
        let authorityAndPath = bare[scheme.upperBound...]
        return authorityAndPath.firstIndex { $0 == "/" || $0 == "?" }.map { authorityAndPath[$0...] } ?? ""
    }
}

/// What a publish command asks for, from its name and the address that was connected to.
struct PublishAddress: Hashable {
    /// The stream key; empty when none was given anywhere.
    let key: String
    /// The query string of the name, or else of the address.
    let query: String

    /// Reads the name of a publish command.
    ///
    /// - Parameters:
    ///   - name: `key`, `key?token=1`, empty, or from some hardware the whole address again.
    ///   - address: what was connected to.
    init(name: String, in address: ConnectAddress) {
        let parts = name.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var key = parts.first ?? ""
        if key.hasPrefix("rtmp://") || key.hasPrefix("rtmps://") {
            key = key[(key.lastIndex(of: "/").map(key.index(after:)) ?? key.endIndex)...]
        }
        // Typed into the server's address, the key is what stands behind the app.
        self.key = key.isEmpty ? address.path : String(key)
        query = parts.count > 1 && !parts[1].isEmpty ? String(parts[1]) : address.query
    }
}

/// What draining asks of encoders.
struct DrainRequest: Hashable, Sendable {
    /// Where those that can move should go; `nil` for the address that they have.
    let tcURL: String?
}
