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
    public var playlist: RenderedPlaylist

    /// A rendition with its segments and the playlist that lists them.
    public init(id: ID, window: LiveWindow, playlist: RenderedPlaylist) {
        self.id = id
        self.window = window
        self.playlist = playlist
    }
}

/// A media playlist of one moment in the forms that readers may ask for.
public struct RenderedPlaylist: Sendable {
    /// What a reader has of the playlist already (`_HLS_skip`, RFC 8216bis §6.2.5.1).
    public enum Skip: Hashable, Sendable {
        /// The segments before the skip boundary: `YES`.
        case segments
        /// These, and the date ranges in front of them: `v2`.
        case segmentsAndDateRanges
    }

    /// The whole playlist.
    public let full: StoredResource
    /// What is left of it without older segments; `nil` as long as there are none to skip.
    public let delta: StoredResource?
    /// The same without their date ranges; `nil` where that makes no difference.
    public let deltaWithoutDateRanges: StoredResource?

    /// A playlist in its forms.
    public init(full: StoredResource, delta: StoredResource? = nil, deltaWithoutDateRanges: StoredResource? = nil) {
        self.full = full
        self.delta = delta
        self.deltaWithoutDateRanges = deltaWithoutDateRanges
    }

    /// The form for a reader.
    public func form(skipping skip: Skip?) -> StoredResource {
        switch skip {
        case nil: full
        case .segments: delta ?? full
        case .segmentsAndDateRanges: deltaWithoutDateRanges ?? delta ?? full
        }
    }
}
