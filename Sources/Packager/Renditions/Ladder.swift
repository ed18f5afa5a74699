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
// A rendition whose track has nothing for a segment lists its form's default segment instead, and a new rendition begins
// as a copy of its default. So no playlist ever stops or has fewer segments than another of its form, and a viewer whose
// track is gone sees or hears the default one after a discontinuity.

internal import LiveStore
internal import MediaCore
internal import NIOCore

/// The renditions of a live and the multivariant playlist over them.
struct Ladder {
    private let tag: String
    private var primary: RenditionWriter
    private var further: [Rendition.ID: RenditionWriter] = [:]
    /// The renditions with media of their own in the newest segment.
    private(set) var active: Set<Rendition.ID> = []

    /// The renditions of a live that may have some already.
    init(tag: String, resuming snapshot: LiveStream.Snapshot) {
        self.tag = tag
        let targetDuration = snapshot.targetDuration
        primary = RenditionWriter(
            RenditionNames(tag: tag, id: nil),
            after: snapshot.window,
            targetDuration: targetDuration
        )
        for (id, rendition) in snapshot.furtherRenditions {
            let names = RenditionNames(tag: tag, id: id)
            further[id] = RenditionWriter(names, after: rendition.window, targetDuration: targetDuration)
        }
    }

    /// Adds a segment to every rendition, and renders all playlists.
    mutating func append(
        _ set: SegmentSet,
        at place: SegmentPlace,
        limits: LiveWindow.Limits,
        to snapshot: inout LiveStream.Snapshot
    ) {
        let content = SegmentContent(
            runs: set.primary.runs,
            isIndependent: set.primary.isIndependent,
            carriesEvents: true
        )
        let segment = primary.segment(content, at: place)
        var segments: [Rendition.ID: MediaSegment] = [Rendition.ID(.muxed): segment]
        var windows: [Rendition.ID: LiveWindow] = [Rendition.ID(.muxed): snapshot.window]
        active = []
        // Defaults come first: the others fall back on them.
        let ids = Set(further.keys).union(wanted(set)).sorted { ($0.index, $0.form.rank) < ($1.index, $1.form.rank) }
        for id in ids {
            guard let next = self.segment(of: id, set, at: place, default: segments[Rendition.ID(id.form)]) else {
                further[id] = nil
                snapshot.furtherRenditions[id] = nil
                continue
            }
            segments[id] = next
            windows[id] =
                snapshot.furtherRenditions[id]?.window ?? windows[Rendition.ID(id.form)]
                ?? LiveWindow(
                    firstMediaSequenceNumber: snapshot.window.nextMediaSequenceNumber,
                    discontinuitySequence: snapshot.window.nextDiscontinuitySequence
                )
        }
        snapshot.window.append(segment, limits: limits)
        snapshot.mediaPlaylist = playlist(of: primary, snapshot.window, place)
        for id in ids {
            guard let writer = further[id], let segment = segments[id], var window = windows[id] else { continue }
            window.append(segment, limits: limits)
            let playlist = playlist(of: writer, window, place)
            snapshot.furtherRenditions[id] = Rendition(id: id, window: window, playlist: playlist)
        }
        snapshot.multivariantPlaylist = multivariantPlaylist(snapshot)
    }

    // MARK: - Segments

    /// The renditions that a set of segments calls for, beside media.m3u8.
    private func wanted(_ set: SegmentSet) -> [Rendition.ID] {
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

    private mutating func segment(
        of id: Rendition.ID,
        _ set: SegmentSet,
        at place: SegmentPlace,
        default fallback: MediaSegment?
    ) -> MediaSegment? {
        guard let content = set.content(of: id) else { return fallback }
        var writer =
            further[id]
            ?? RenditionWriter(
                RenditionNames(tag: tag, id: id),
                after: LiveWindow(),
                targetDuration: place.targetDuration
            )
        let segment = writer.segment(content, at: place)
        further[id] = writer
        active.insert(id)
        return segment
    }

    // MARK: - Playlists

    private func playlist(of writer: RenditionWriter, _ window: LiveWindow, _ place: SegmentPlace) -> StoredResource {
        MediaPlaylist.resource(
            window,
            targetDuration: place.targetDuration,
            isEnded: false,
            name: writer.names.playlist,
            tag: tag
        )
    }

    /// Lists the renditions that have media of their own now; the default tracks' come first, for players begin with
    /// the first variant (RFC 8216 §6.3.1 leaves the choice to them).
    private func multivariantPlaylist(_ snapshot: LiveStream.Snapshot) -> StoredResource {
        let listed = active.sorted { $0.index < $1.index }
        let sounds = listed.filter { $0.form == .audio }.compactMap { entry($0, snapshot) }
        let pictures = listed.filter { $0.form == .video }.compactMap { entry($0, snapshot) }
        let muxed =
            [MultivariantPlaylist.Entry(primary, snapshot.window)].compactMap(\.self)
            + listed.filter { $0.form == .muxed }.compactMap { entry($0, snapshot) }
        // Sound alone is its own variant.
        let variants = sounds.isEmpty ? muxed : pictures.isEmpty ? Array(sounds.prefix(1)) : pictures
        return MultivariantPlaylist.resource(
            variants,
            sounds: sounds,
            isIndependent: (variants + sounds).allSatisfy(\.isIndependent),
            entityTag: "\(tag)-\(snapshot.window.nextMediaSequenceNumber)"
        )
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

extension SegmentDraft {
    /// The samples of one kind.
    func run(_ kind: MediaKind) -> TrackRun? { runs.first { $0.track.id.kind == kind } }
}

extension SegmentSet {
    /// What a rendition has in this segment; `nil` when its track has nothing.
    fileprivate func content(of id: Rendition.ID) -> SegmentContent? {
        let kind: MediaKind = id.form == .audio ? .audio : .video
        let run =
            id.index == 0
            ? primary.run(kind) : further.first { $0.track.id == TrackID(kind, index: id.index) }
        guard let run else { return nil }
        let sound = id.form == .muxed ? primary.run(.audio) : nil
        let isIndependent = kind == .audio || run.samples.first?.isSync == true
        return SegmentContent(
            runs: [run] + [sound].compactMap(\.self),
            isIndependent: isIndependent,
            carriesEvents: kind == .video || primary.run(.video) == nil
        )
    }
}
