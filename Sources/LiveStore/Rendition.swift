/// What one further media playlist of a live offers: the same segments as the live's own window, number by number, in
/// another form or of other tracks.
public struct Rendition: Sendable {
    /// Which tracks its segments carry.
    public enum Form: Hashable, Sendable {
        /// A video track together with the primary audio track.
        case muxed
        /// A video track alone.
        case video
        /// An audio track alone.
        case audio
    }

    /// The identity of a rendition within its live.
    public struct ID: Hashable, Sendable {
        /// Which tracks.
        public let form: Form
        /// The track's number among those of its kind; 0 is the primary one.
        public let index: UInt8

        /// The rendition of this form with this track.
        public init(_ form: Form, index: UInt8 = 0) {
            self.form = form
            self.index = index
        }
    }

    /// Which one.
    public let id: ID
    /// Its segments.
    public var window: LiveWindow
    /// Its rendered media playlist.
    public var playlist: StoredResource

    /// A rendition with its segments and the playlist that lists them.
    public init(id: ID, window: LiveWindow, playlist: StoredResource) {
        self.id = id
        self.window = window
        self.playlist = playlist
    }
}
