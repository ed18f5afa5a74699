import MediaCore
import NIOHTTP1
import Recordings

/// What a path names.
enum Route: Hashable, Sendable {
    /// `/`: the lives.
    case home
    /// `/watch/NAME`: a live with a player.
    case watch(StreamID)
    /// `/assets/FILE`: what the pages are made of.
    case asset(String)
    /// `/live/NAME/index.m3u8`.
    case multivariantPlaylist(StreamID)
    /// `/live/NAME/media.m3u8`.
    case mediaPlaylist(StreamID)
    /// `/live/NAME/FILE.m3u8`: the media playlist of a further rendition.
    case renditionPlaylist(StreamID, name: String)
    /// `/live/NAME/FILE`: an initialization segment or a media segment.
    case mediaResource(StreamID, name: String)
    /// `/live/NAME/poster.jpg`: a picture of a live.
    case poster(StreamID)
    /// `/vod/ID/FILE`: a playlist, media or picture of a recording.
    case recorded(RecordingID, RecordedResource)
    /// `/recordings/ID`: a recording with a player.
    case recordingPage(RecordingID)
    /// `/api/v1/lives`.
    case lives
    /// `/api/v1/lives/NAME`.
    case live(StreamID)
    /// `/api/v1/streams`: who publishes, for operators.
    case streams
    /// `/api/v1/streams/NAME`.
    case stream(StreamID)
    /// `/api/v1/jobs`: long work, for operators.
    case jobs
    /// `/api/v1/jobs/ID`.
    case job(String)
    /// `/api/v1/imports`: files that are to become recordings, for operators.
    case imports
    /// `/api/v1/recordings`: what was recorded, for operators.
    case recordings
    /// `/api/v1/recordings/ID`.
    case recording(RecordingID)
    /// `/api/v1/recordings/ID/clips`.
    case clips(RecordingID)
    /// `/t/TOKEN/access/NAME`: whether a viewer may watch, for CDNs.
    case access(StreamID)
    /// `/t/TOKEN/access/vod/ID` and `/t/TOKEN/access/recordings/ID`: the same for a recording.
    case recordedAccess(RecordingID)
    /// `/metrics`, on the operators' port.
    case metrics
    /// `/healthz`: whether the process answers.
    case health
    /// `/readyz`: whether it should be sent viewers.
    case readiness
    /// A page or an API document asked for with a slash too many.
    case moved(to: String)
    /// Nothing; an error takes the form that its part of the site has.
    case nothing(Surface)

    /// A part of the site, with its own form of errors and its own header fields.
    enum Surface: Hashable, Sendable {
        /// Pages for people.
        case page
        /// Playlists and segments, for players on any site.
        case media
        /// JSON, for programs on any site.
        case api
        /// JSON, for operators' programs.
        case operators
        /// Assets, health checks and metrics.
        case plain
    }

    /// The route of a target.
    init(_ target: RequestTarget) {
        let components = target.components
        switch components.first {
        case nil: self = .home
        case "live": self = Self.media(components, hasTrailingSlash: target.hasTrailingSlash)
        case "vod": self = Self.recorded(components, hasTrailingSlash: target.hasTrailingSlash)
        case "recordings":
            guard components.count == 2, let id = RecordingID(components[1]) else {
                self = .nothing(.page)
                return
            }
            self = target.hasTrailingSlash ? .moved(to: Self.recordingPath(id)) : .recordingPage(id)
        case "assets":
            self = components.count == 2 && !target.hasTrailingSlash ? .asset(components[1]) : .nothing(.plain)
        case "metrics" where components.count == 1 && !target.hasTrailingSlash: self = .metrics
        case "healthz" where components.count == 1 && !target.hasTrailingSlash: self = .health
        case "readyz" where components.count == 1 && !target.hasTrailingSlash: self = .readiness
        case "watch":
            guard components.count == 2, let id = StreamID(components[1]) else {
                self = components.count == 1 ? .moved(to: "/") : .nothing(.page)
                return
            }
            self = target.hasTrailingSlash ? .moved(to: Self.watchPath(id)) : .watch(id)
        case "access":
            self = target.hasTrailingSlash ? .nothing(.plain) : Self.access(components)
        case "api": self = Self.api(components, hasTrailingSlash: target.hasTrailingSlash)
        default: self = .nothing(.page)
        }
    }

    /// Whether this is where a viewer begins: the playlist that lists the others, of a live or of a recording.
    ///
    /// Those who are served ask for playlists of media, parts and segments.
    var beginsWatching: Bool {
        switch self {
        case .multivariantPlaylist: true
        case .recorded(_, .playlist(let name)): name == RecordingFolder.multivariantPlaylist
        default: false
        }
    }

    /// The path of a live's page.
    static func watchPath(_ id: StreamID, prefix: String = "") -> String { "\(prefix)/watch/\(id)" }

    /// The path of a live's multivariant playlist.
    static func playlistPath(_ id: StreamID, prefix: String = "") -> String { "\(prefix)/live/\(id)/index.m3u8" }

    /// The path of a live's picture.
    static func posterPath(_ id: StreamID, prefix: String = "") -> String { "\(prefix)/live/\(id)/poster.jpg" }

    /// The path of a recording's page.
    static func recordingPath(_ id: RecordingID, prefix: String = "") -> String { "\(prefix)/recordings/\(id)" }

    /// The path of something in a recording's folder.
    static func recordedPath(_ id: RecordingID, _ name: String, prefix: String = "") -> String {
        "\(prefix)/vod/\(id)/\(name)"
    }

    /// The path of what the API tells of a live.
    static func apiPath(_ id: StreamID, prefix: String = "") -> String { "\(prefix)/api/v1/lives/\(id)" }

    /// Media has one spelling and no redirects: a player would follow one for every segment.
    private static func media(_ components: [String], hasTrailingSlash: Bool) -> Route {
        guard components.count == 3, !hasTrailingSlash, let id = StreamID(components[1]) else {
            return .nothing(.media)
        }
        return switch components[2] {
        case "index.m3u8": .multivariantPlaylist(id)
        case "media.m3u8": .mediaPlaylist(id)
        case "poster.jpg": .poster(id)
        case let name where name.utf8.suffix(5).elementsEqual(".m3u8".utf8): .renditionPlaylist(id, name: name)
        default: .mediaResource(id, name: components[2])
        }
    }

    private static func access(_ components: [String]) -> Route {
        switch components.count {
        case 2: StreamID(components[1]).map(Route.access) ?? .nothing(.plain)
        case 3 where components[1] == "vod" || components[1] == "recordings":
            RecordingID(components[2]).map(Route.recordedAccess) ?? .nothing(.plain)
        default: .nothing(.plain)
        }
    }

    private static func recorded(_ components: [String], hasTrailingSlash: Bool) -> Route {
        guard components.count == 3, !hasTrailingSlash, let id = RecordingID(components[1]),
            let resource = RecordedResource(components[2])
        else { return .nothing(.media) }
        return .recorded(id, resource)
    }

    private static func api(_ components: [String], hasTrailingSlash: Bool) -> Route {
        guard components.count >= 3, components[1] == "v1" else { return .nothing(.api) }
        if components[2] == "streams" { return streams(components, hasTrailingSlash: hasTrailingSlash) }
        if components[2] == "jobs" || components[2] == "imports" {
            return longWork(components, hasTrailingSlash: hasTrailingSlash)
        }
        if components[2] == "recordings" { return recordings(components, hasTrailingSlash: hasTrailingSlash) }
        guard components[2] == "lives" else { return .nothing(.api) }
        if components.count == 3 { return hasTrailingSlash ? .moved(to: "/api/v1/lives") : .lives }
        guard components.count == 4, let id = StreamID(components[3]) else { return .nothing(.api) }
        return hasTrailingSlash ? .moved(to: apiPath(id)) : .live(id)
    }

    /// Operators' programs are told of a slash too many, not redirected: a token must not go twice over the wire.
    private static func streams(_ components: [String], hasTrailingSlash: Bool) -> Route {
        guard !hasTrailingSlash else { return .nothing(.operators) }
        if components.count == 3 { return .streams }
        guard components.count == 4, let id = StreamID(components[3]) else { return .nothing(.operators) }
        return .stream(id)
    }

    /// The path of a job.
    static func jobPath(_ id: String) -> String { "/api/v1/jobs/\(id)" }

    private static func longWork(_ components: [String], hasTrailingSlash: Bool) -> Route {
        guard !hasTrailingSlash else { return .nothing(.operators) }
        if components.count == 3 { return components[2] == "jobs" ? .jobs : .imports }
        guard components.count == 4, components[2] == "jobs", isJobID(components[3]) else {
            return .nothing(.operators)
        }
        return .job(components[3])
    }

    private static func isJobID(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count) && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
    }

    private static func recordings(_ components: [String], hasTrailingSlash: Bool) -> Route {
        guard !hasTrailingSlash else { return .nothing(.operators) }
        if components.count == 3 { return .recordings }
        guard components.count <= 5, let id = RecordingID(components[3]) else { return .nothing(.operators) }
        if components.count == 4 { return .recording(id) }
        return components[4] == "clips" ? .clips(id) : .nothing(.operators)
    }

    /// The live that only those get whom the server lets watch; `nil` for what everybody gets.
    var protectedLive: StreamID? {
        switch self {
        case .multivariantPlaylist(let id), .mediaPlaylist(let id), .renditionPlaylist(let id, _),
            .mediaResource(let id, _), .poster(let id), .watch(let id), .live(let id), .access(let id):
            id
        default: nil
        }
    }

    /// The recording that the route is about.
    var recording: RecordingID? {
        switch self {
        case .recorded(let id, _), .recordingPage(let id), .recording(let id): id
        default: nil
        }
    }

    /// The methods that the route takes, as the field Allow has them.
    var methods: String {
        switch self {
        case .stream, .job: "GET, HEAD, DELETE, OPTIONS"
        case .imports, .clips: "POST, OPTIONS"
        case .recording: "GET, HEAD, PATCH, DELETE, OPTIONS"
        default: "GET, HEAD, OPTIONS"
        }
    }

    /// Whether a method takes a body here.
    func takesBody(_ method: HTTPMethod) -> Bool {
        switch self {
        case .recording: method == .PATCH
        case .clips, .imports: method == .POST
        default: false
        }
    }

    /// The part of the site that the route belongs to.
    var surface: Surface {
        switch self {
        case .home, .watch, .recordingPage: .page
        case .asset, .health, .readiness, .access, .recordedAccess: .plain
        case .multivariantPlaylist, .mediaPlaylist, .renditionPlaylist, .mediaResource, .recorded, .poster: .media
        case .lives, .live: .api
        case .streams, .stream, .recordings, .recording, .clips, .jobs, .job, .imports: .operators
        case .metrics: .plain
        case .moved(let path): path.utf8.starts(with: "/api".utf8) ? .api : .page
        case .nothing(let surface): surface
        }
    }
}
