// All renditions of a live, and what each has where its track has nothing.
//
// The renditions come in three forms, each with a default: the one of the primary track (number 0).
//
//   form    default      further ones     when
//   muxed   media.m3u8   media-K.m3u8     the default always; the further ones while there is one audio track
//   video   video-0      video-K          once there are several audio tracks
//   audio   audio-0      audio-K          once there are several audio tracks
//
// Several audio tracks are offered apart from the pictures (EXT-X-MEDIA with URI), because neither hls.js nor Shaka Player
// can leave out sound that shares a fragment with pictures. media.m3u8 stays for whoever plays it already.
//
// A rendition whose track has nothing for a segment has its form's default parts and segment instead, under its own names,
// and a new rendition begins as a copy of its default. So no playlist ever stops or has fewer segments than another of its
// form, and a viewer whose track is gone sees or hears the default one after a discontinuity.

internal import LiveStore
internal import MediaCore
internal import NIOCore

/// The renditions of a live and the multivariant playlist over them.
struct Ladder {
    private let tag: String
    private let makeStore: (Rendition.ID) -> RenditionStore?
    private var primary: RenditionWriter
    private var further: [Rendition.ID: RenditionWriter] = [:]
    /// The further renditions of the unfinished segment, the defaults first: the others fall back on them.
    private var ids: [Rendition.ID] = []
    /// What playlists say of whole segments.
    private var settled: [Rendition.ID: MediaPlaylist.Settled] = [:]
    /// The renditions with media of their own in the newest segment.
    private(set) var active: Set<Rendition.ID> = []
    /// Whether the sound alone is listed where it can be had.
    private let offersSoundAlone: Bool
    /// Whether the newest segment of the primary tracks has pictures and sound.
    private var hasPicturesAndSound = false

    /// The renditions of a live that may have some already.
    ///
    /// - Parameters:
    ///   - tag: the live's.
    ///   - snapshot: what it has.
    ///   - offersSoundAlone: whether the sound alone is listed where it can be had.
    ///   - makeStore: gives where the segments of a rendition are filed; `nil` when they are kept in memory only.
    init(
        tag: String,
        resuming snapshot: LiveStream.Snapshot,
        offersSoundAlone: Bool = false,
        makeStore: @escaping (Rendition.ID) -> RenditionStore? = { _ in nil }
    ) {
        self.tag = tag
        self.offersSoundAlone = offersSoundAlone
        self.makeStore = makeStore
        let targetDuration = snapshot.targetDuration
        primary = RenditionWriter(
            nil,
            tag: tag,
            after: snapshot.window,
            targetDuration: targetDuration,
            store: makeStore(Self.primaryID)
        )
        for (id, rendition) in snapshot.furtherRenditions {
            further[id] = makeWriter(id, after: rendition.window, targetDuration: targetDuration)
        }
    }

    private func makeWriter(_ id: Rendition.ID, after window: LiveWindow, targetDuration: Int?) -> RenditionWriter {
        RenditionWriter(id, tag: tag, after: window, targetDuration: targetDuration, store: makeStore(id))
    }

    /// Adds a part to every rendition, and renders all playlists.
    mutating func append(
        _ set: PartSet,
        at place: PartPlace,
        limits: LiveWindow.Limits,
        to snapshot: inout LiveStream.Snapshot
    ) {
        var windows = snapshot.furtherRenditions.mapValues(\.window)
        windows[Self.primaryID] = snapshot.window
        if place.index == 0 {
            chooseRenditions(of: set, at: place, in: &windows)
            hasPicturesAndSound = set.primary.run(.video) != nil && set.primary.run(.audio) != nil
        }
        appendParts(of: set, at: place, limits: limits, to: &windows)

        guard let window = windows.removeValue(forKey: Self.primaryID) else { return }
        snapshot.window = window
        let listed = listedPlaylists
        snapshot.mediaPlaylist = playlist(of: primary, window, at: place, reporting: listed)
        var renditions: [Rendition.ID: Rendition] = [:]
        for (id, window) in windows {
            guard let writer = further[id] else { continue }
            let playlist = playlist(of: writer, window, at: place, reporting: listed)
            renditions[id] = Rendition(id: id, window: window, playlist: playlist)
        }
        snapshot.furtherRenditions = renditions
        // Its bit rates are those of whole segments.
        if place.segmentDuration != nil {
            snapshot.multivariantPlaylist = multivariantPlaylist(snapshot, place.captions)
        }
    }

    /// The primary rendition among the others.
    private static let primaryID = Rendition.ID(.muxed)

    // MARK: - Parts

    /// Decides with its first part which renditions a segment has.
    private mutating func chooseRenditions(
        of set: PartSet,
        at place: PartPlace,
        in windows: inout [Rendition.ID: LiveWindow]
    ) {
        let known = Set(further.keys).union(wanted(set)).sorted { ($0.index, $0.form.rank) < ($1.index, $1.form.rank) }
        ids = []
        active = []
        for id in known {
            let isOwn = set.content(of: id) != nil
            let fallback = Rendition.ID(id.form)
            guard isOwn || (windows[fallback] != nil && id != fallback) else {
                further[id] = nil
                settled[id] = nil
                windows[id] = nil
                continue
            }
            if further[id] == nil {
                further[id] = makeWriter(id, after: LiveWindow(), targetDuration: place.targets.duration)
            }
            windows[id] = windows[id] ?? windows[fallback] ?? windows[Self.primaryID]?.emptySuccessor
            ids.append(id)
            if isOwn { active.insert(id) }
        }
    }

    private mutating func appendParts(
        of set: PartSet,
        at place: PartPlace,
        limits: LiveWindow.Limits,
        to windows: inout [Rendition.ID: LiveWindow]
    ) {
        var segments: [Rendition.ID: MediaSegment] = [:]
        let content = PartContent(runs: set.primary.runs, carriesEvents: true)
        segments[Self.primaryID] = windows.modify(Self.primaryID) { primary.append(content, at: place, to: &$0) }
        for id in ids {
            let segment: MediaSegment?
            if active.contains(id), let content = set.content(of: id) {
                segment = windows.modify(id) { further[id]?.append(content, at: place, to: &$0) }
            } else if let source = windows[Rendition.ID(id.form)]?.unfinished, let part = source.parts.last {
                let filed = segments[Rendition.ID(id.form)]?.filed
                segment = windows.modify(id) {
                    further[id]?.append(part, of: source.initialization, at: place, filed: filed, to: &$0)
                }
            } else {
                continue
            }
            segments[id] = segment
        }
        for (id, segment) in segments { windows.modify(id) { $0.append(segment, limits: limits) } }
    }

    /// The renditions that the first part of a segment calls for, beside media.m3u8.
    private func wanted(_ set: PartSet) -> [Rendition.ID] {
        let hasSeveralSounds =
            further[Rendition.ID(.audio)] != nil || set.further.contains { $0.track.id.kind == .audio }
        let hasSound = set.primary.run(.audio) != nil
        guard hasSeveralSounds, hasSound else {
            return set.further.filter { $0.track.id.kind == .video }.map {
                Rendition.ID(.muxed, index: $0.track.id.index)
            }
        }
        let defaults = set.primary.runs.map { Rendition.ID($0.track.id.kind == .video ? .video : .audio) }
        return defaults + set.further.map { Rendition.ID(alone: $0.track.id) }
    }

    // MARK: - Playlists

    private mutating func playlist(
        of writer: RenditionWriter,
        _ window: LiveWindow,
        at place: PartPlace,
        reporting listed: [String]
    ) -> RenderedPlaylist {
        let playlist = MediaPlaylist(
            tag: tag,
            rendition: writer.id,
            window: window,
            targets: place.targets,
            isEnded: false,
            otherPlaylists: listed.filter { $0 != writer.playlistName }
        )
        let key = writer.id ?? Self.primaryID
        if place.segmentDuration == nil, let known = settled[key] { return playlist.rendered(known) }
        let made = playlist.settled()
        settled[key] = made
        return playlist.rendered(made)
    }

    /// The media playlists that the multivariant playlist refers to.
    private var listedPlaylists: [String] {
        let names = active.sorted { ($0.index, $0.form.rank) < ($1.index, $1.form.rank) }.map {
            MediaPlaylist.name(of: $0)
        }
        if active.contains(where: { $0.form == .audio }) { return names }
        return [MediaPlaylist.name] + names + (listsSoundAlone ? [MediaPlaylist.soundName] : [])
    }

    /// Whether the primary tracks' sound alone is listed, which is made of media.m3u8 when somebody asks.
    private var listsSoundAlone: Bool {
        offersSoundAlone && hasPicturesAndSound && !active.contains { $0.form == .audio }
    }

    private func multivariantPlaylist(
        _ snapshot: LiveStream.Snapshot,
        _ captions: [ClosedCaptions.Channel]
    ) -> StoredResource {
        var composition = RenditionComposition(primary: MultivariantPlaylist.Entry(primary, snapshot.window))
        for id in active { composition.further[id] = entry(id, snapshot) }
        composition.soundAlone = listsSoundAlone ? primary.sound : nil
        composition.offersSoundAlone = offersSoundAlone
        composition.captions = captions
        return composition.resource(entityTag: "\(tag)-\(snapshot.window.nextMediaSequenceNumber)")
    }

    private func entry(_ id: Rendition.ID, _ snapshot: LiveStream.Snapshot) -> MultivariantPlaylist.Entry? {
        guard let writer = further[id], let window = snapshot.furtherRenditions[id]?.window else { return nil }
        return MultivariantPlaylist.Entry(writer, window)
    }
}

extension Rendition.ID {
    /// The rendition of a track without any other.
    fileprivate init(alone track: TrackID) {
        self.init(track.kind == .video ? .video : .audio, index: track.index)
    }
}

extension Rendition.Form {
    fileprivate var rank: Int {
        switch self {
        case .muxed: 0
        case .video: 1
        case .audio: 2
        }
    }
}

extension PartDraft {
    /// The samples of one kind.
    func run(_ kind: MediaKind) -> TrackRun? { runs.first { $0.track.id.kind == kind } }
}

extension PartSet {
    /// What a rendition has in this part; `nil` when its track has nothing in the segment.
    fileprivate func content(of id: Rendition.ID) -> PartContent? {
        let kind: MediaKind = id.form == .audio ? .audio : .video
        let run =
            id.index == 0
            ? primary.run(kind) : further.first { $0.track.id == TrackID(kind, index: id.index) }
        guard let run else { return nil }
        let sound = id.form == .muxed ? primary.run(.audio) : nil
        return PartContent(
            runs: [run] + [sound].compactMap(\.self),
            carriesEvents: kind == .video || primary.run(.video) == nil
        )
    }
}

extension Dictionary {
    /// Changes a value in place; `nil` when there is none.
    @discardableResult
    fileprivate mutating func modify<Result>(_ key: Key, _ change: (inout Value) -> Result?) -> Result? {
        guard let index = index(forKey: key) else { return nil }
        return change(&values[index])
    }
}

extension LiveWindow {
    /// A window without segments that goes on with the numbers of this one.
    fileprivate var emptySuccessor: LiveWindow {
        LiveWindow(
            firstMediaSequenceNumber: nextMediaSequenceNumber,
            discontinuitySequence: nextDiscontinuitySequence
        )
    }
}
