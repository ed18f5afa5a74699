/// Watches one live as a player does, and holds all that it sees against RFC 8216 and ISO/IEC 14496-12.
///
/// It reloads the playlist whenever the server's log tells that something happened to a live, so that it sees nearly every
/// version, and downloads every segment and every initialization segment.
public actor LiveViewer {
    /// One downloaded segment.
    public struct Segment: Sendable {
        /// What the playlist says of it.
        public let entry: MediaPlaylist.Segment
        /// Its bytes.
        public let bytes: [UInt8]
        /// Its initialization segment.
        public let initialization: InitializationSegment
        /// Its fragments.
        public let media: MediaFragments

        /// The sample times of one handler's track: its first decode time and its end, in seconds.
        public func span(handler: String) -> ClosedRange<Double>? {
            guard let track = initialization.track(handler: handler) else { return nil }
            let samples = media.samples(of: track.trackID)
            guard let first = samples.first, let last = samples.last else { return nil }
            let scale = Double(track.timescale)
            return Double(first.decodeTime) / scale...Double(last.endTime) / scale
        }
    }

    /// Something that a viewer must not see.
    public struct Failure: Error, CustomStringConvertible {
        /// What it was.
        public let description: String
    }

    /// The versions of the media playlist.
    public private(set) var follower = PlaylistFollower()
    /// The newest version of the multivariant playlist.
    public private(set) var multivariant: MultivariantPlaylist?
    /// Every segment so far.
    public private(set) var segments: [Segment] = []
    /// When each of ``segments`` was there.
    public private(set) var arrivals: [ContinuousClock.Instant] = []

    private let server: ServerProcess
    private let folder: String
    /// The media playlist that is watched; `nil` for the first variant's.
    private let mediaPlaylist: String?
    /// The last event of a live, by the server's log, after which the playlists were loaded.
    private var lastEvent: OutputLog.Line?
    private var initializations: [String: InitializationSegment] = [:]

    /// A viewer of one stream.
    ///
    /// - Parameters:
    ///   - server: where it is served.
    ///   - stream: its name.
    ///   - mediaPlaylist: the name of the media playlist to watch; `nil` for the first variant's.
    public init(_ server: ServerProcess, stream: String = "main", mediaPlaylist: String? = nil) {
        self.server = server
        self.mediaPlaylist = mediaPlaylist
        folder = server.url("/live/\(stream)/")
    }

    /// The newest media playlist.
    public var playlist: MediaPlaylist? { follower.current }

    /// Watches until something is true of what was seen.
    ///
    /// - Parameters:
    ///   - limit: how long to watch at most.
    ///   - isDone: looks at the newest playlist and all segments so far.
    /// - Throws: ``PlaylistError``, ``ISOBMFFError`` or ``Failure`` for the first thing that is wrong, or
    ///   ``DeadlineExceeded``.
    public func watch(
        within limit: Duration,
        until isDone: @escaping @Sendable (MediaPlaylist, [Segment]) -> Bool
    ) async throws {
        try await withDeadline(limit) {
            "the live did not get where the test wants it"
        } _: {
            while try await !self.reload(isDone) { try await self.awaitEvent(within: limit) }
        }
    }

    /// Waits until the packager has told of something: a segment, an interruption, an end.
    private func awaitEvent(within limit: Duration) async throws {
        lastEvent = try await server.log.line(after: lastEvent, within: limit) { $0.contains("[Packager]") }
    }

    /// Watches until EXT-X-ENDLIST.
    public func watchToEnd(within limit: Duration = .seconds(60)) async throws {
        try await watch(within: limit) { playlist, _ in playlist.hasEndList }
    }

    /// Loads the playlists once and what is new in them.
    private func reload(_ isDone: @Sendable (MediaPlaylist, [Segment]) -> Bool) async throws -> Bool {
        let index = try await HTTPClient.send(folder + "index.m3u8")
        // 404: not live yet, or nothing to play yet.
        if index.status == 404, follower.current == nil { return false }
        guard index.status == 200 else { throw Failure(description: "index.m3u8: status \(index.status)") }
        let multivariant = try PlaylistReader.readMultivariant(index.body)
        guard let variant = multivariant.variants.first else { return false }
        self.multivariant = multivariant
        let playlist = try PlaylistReader.readMedia(try await load(mediaPlaylist ?? variant.uri))
        try follower.follow(playlist)
        let newest = segments.last?.entry.mediaSequenceNumber ?? -1
        for entry in playlist.segments where entry.mediaSequenceNumber > newest { try await take(entry) }
        return isDone(playlist, segments)
    }

    private func take(_ entry: MediaPlaylist.Segment) async throws {
        guard let map = entry.map else { throw Failure(description: "\(entry.uri) has no EXT-X-MAP") }
        let initialization = try await initialization(map.uri)
        let bytes = try await load(entry.uri)
        let media = try ISOBMFFReader.readMediaSegment(bytes, initialization: initialization)
        let segment = Segment(entry: entry, bytes: bytes, initialization: initialization, media: media)
        try expectSound(segment)
        segments.append(segment)
        arrivals.append(.now)
    }

    private func initialization(_ uri: String) async throws -> InitializationSegment {
        if let known = initializations[uri] { return known }
        let segment = try ISOBMFFReader.readInitializationSegment(try await load(uri))
        initializations[uri] = segment
        return segment
    }

    private func load(_ uri: String) async throws -> [UInt8] {
        let response = try await HTTPClient.send(uri.hasPrefix("http") ? uri : folder + uri)
        guard response.status == 200 else { throw Failure(description: "\(uri): status \(response.status)") }
        return response.body
    }

    /// EXTINF against the sample times, and the step from the segment before.
    private func expectSound(_ segment: Segment) throws {
        let handler = segment.initialization.track(handler: "vide") == nil ? "soun" : "vide"
        guard let span = segment.span(handler: handler) else {
            throw Failure(description: "\(segment.entry.uri) has no samples of \(handler)")
        }
        let duration = span.upperBound - span.lowerBound
        guard abs(duration - segment.entry.duration) < 0.1 else {
            throw Failure(
                description: "\(segment.entry.uri): EXTINF \(segment.entry.durationText), samples \(duration)"
            )
        }
        guard segment.media.unusedMediaDataBytes == 0 else {
            throw Failure(description: "\(segment.entry.uri): \(segment.media.unusedMediaDataBytes) unused bytes")
        }
        guard let last = segments.last, let lastSpan = last.span(handler: handler), !segment.entry.isDiscontinuous,
            last.entry.mediaSequenceNumber + 1 == segment.entry.mediaSequenceNumber
        else { return }
        guard abs(span.lowerBound - lastSpan.upperBound) < 0.001 else {
            throw Failure(
                description: "\(segment.entry.uri) begins at \(span.lowerBound), expected \(lastSpan.upperBound)"
            )
        }
    }
}
