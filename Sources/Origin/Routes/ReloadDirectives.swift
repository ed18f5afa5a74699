import LiveStore

/// What a reader of a media playlist asks of the server: the delivery directives of its query (RFC 8216bis §6.2.5).
struct ReloadDirectives: Hashable {
    /// Why a query cannot be answered: a value that is not one of the directive's, or a directive twice or alone.
    struct Fault: Error, Hashable {
        /// What is wrong, for whoever wrote the player.
        let reason: String
    }

    /// `_HLS_msn`: answer when the playlist has this segment or a later one.
    private(set) var mediaSequenceNumber: Int?
    /// `_HLS_part`: answer when the playlist has this part of it.
    private(set) var part: Int?
    /// `_HLS_skip`: leave out what the reader has.
    private(set) var skip: RenderedPlaylist.Skip?

    /// None.
    init() {}

    /// Reads a query; what is not a directive is passed over, and so are directives that are not known (§6.2.5).
    init(_ query: String) throws(Fault) {
        for field in query.split(separator: "&") {
            let name = field.prefix { $0 != "=" }
            let value = field.dropFirst(name.count + 1)
            switch name {
            case "_HLS_msn": try Self.set(&mediaSequenceNumber, name, try Self.number(value, name))
            case "_HLS_part": try Self.set(&part, name, try Self.number(value, name))
            case "_HLS_skip": try Self.set(&skip, name, try Self.skip(value))
            default: continue
            }
        }
        if part != nil, mediaSequenceNumber == nil { throw Fault(reason: "_HLS_part needs _HLS_msn") }
    }

    private static func set<Value>(_ place: inout Value?, _ name: Substring, _ value: Value) throws(Fault) {
        guard place == nil else { throw Fault(reason: "\(name) is there twice") }
        place = value
    }

    private static func number(_ text: Substring, _ name: Substring) throws(Fault) -> Int {
        let isDecimal = (1...20).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        guard isDecimal else { throw Fault(reason: "\(name) must be a decimal integer") }
        // A number that does not fit is beyond any live.
        return Int(text) ?? .max
    }

    private static func skip(_ text: Substring) throws(Fault) -> RenderedPlaylist.Skip {
        switch text {
        case "YES": return .segments
        case "v2": return .segmentsAndDateRanges
        default: throw Fault(reason: "_HLS_skip must be YES or v2")
        }
    }
}
