public import MediaCore

/// Something that happened at a moment of a live, as EXT-X-DATERANGE tells it (RFC 8216 §4.3.2.7).
public struct DateRange: Hashable, Sendable {
    /// The only one of this name in the live.
    public let id: String
    /// What it is, in the encoder's word.
    public let name: String
    /// When.
    public let start: WallClockTime
    /// Its values as a JSON text; `nil` when they are too long for a playlist.
    public let json: String?

    /// Something at a moment.
    public init(id: String, name: String, start: WallClockTime, json: String?) {
        self.id = id
        self.name = name
        self.start = start
        self.json = json
    }
}
