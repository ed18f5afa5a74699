internal import LiveStore

/// The renditions of a live or a recording, as its multivariant playlist groups them.
struct RenditionComposition {
    /// The primary tracks together; `nil` before their first segment.
    var primary: MultivariantPlaylist.Entry?
    /// The others that have media of their own.
    var further: [Rendition.ID: MultivariantPlaylist.Entry] = [:]
    /// The primary tracks' sound alone, where that is listed.
    var soundAlone: MultivariantPlaylist.Entry?
    /// Whether the sound alone is listed where it is a rendition anyway.
    var offersSoundAlone = false
    /// The closed captions in the pictures.
    var captions: [ClosedCaptions.Channel] = []
    /// The I-frame playlists.
    var iFrames: [MultivariantPlaylist.Entry] = []

    /// A composition that begins with the primary tracks.
    init(primary: MultivariantPlaylist.Entry?) { self.primary = primary }

    /// Lists the renditions; the default tracks' come first, for players begin with the first variant (RFC 8216 §6.3.1
    /// leaves the choice to them).
    func resource(entityTag: String) -> StoredResource {
        let sounds = entries(.audio)
        let pictures = entries(.video)
        let muxed = [primary].compactMap(\.self) + entries(.muxed)
        // Sound alone is its own variant.
        var variants = sounds.isEmpty ? muxed : pictures.isEmpty ? Array(sounds.prefix(1)) : pictures
        // Behind all others, for players begin with the first.
        if let soundAlone { variants.append(soundAlone) }
        if offersSoundAlone, !pictures.isEmpty, let sound = sounds.first { variants.append(sound) }
        return MultivariantPlaylist.resource(
            variants,
            sounds: sounds,
            iFrames: iFrames,
            captions: pictures.isEmpty && !sounds.isEmpty ? [] : captions,
            isIndependent: (variants + sounds).allSatisfy(\.isIndependent),
            entityTag: entityTag
        )
    }

    private func entries(_ form: Rendition.Form) -> [MultivariantPlaylist.Entry] {
        further.filter { $0.key.form == form }.sorted { $0.key.index < $1.key.index }.map(\.value)
    }
}
