import LiveStore
import MediaCore
import NIOCore
import NIOHTTP1
import Recordings

/// Answers requests: from a request's head to the bytes of its response, without I/O.
struct Router: Sendable {
    /// The lives.
    let store: LiveStore
    /// What the pages are made of.
    let assets: AssetCatalog
    /// The pages.
    let pages: Pages
    /// Whether the server should be sent viewers.
    let readiness: @Sendable () -> Readiness
    /// The longest request target taken, in bytes.
    let maximumTargetLength: Int
    /// What operators may see and do; `nil` when there is no such thing here.
    var operators: OperatorAPI?
    /// The text of `/metrics`, on the operators' port, which has nothing else but the health checks.
    var metrics: (@Sendable () -> String)?

    /// Who may watch; `nil` for everybody.
    var access: ViewerAccess?
    /// Decides whether there is room for a new viewer.
    var admission: any Admission = OpenAdmission()
    /// How media is encrypted; `nil` when it is not.
    var encryption: SegmentEncryption?
    /// Makes other forms of stored media; `nil` for the stored one alone.
    var remuxer: (any MediaRemuxer)?
    /// Where what is sent is counted, besides with each live.
    var meters: OriginMetrics?
    /// What was recorded; `nil` when this origin serves none of it.
    var recordings: RecordedMedia?
    /// Pictures of the lives; `nil` for none.
    var posters: LivePosters?
    /// What answers what is not for media; `nil` for nothing.
    var application: (any WebApplication)?
    /// How those who ask have come, to tell others: `http` or `https`.
    var scheme = "http"
    /// Reads what lies on disk.
    var disk = DiskReader()
    /// Segments from the disk that were needed whole.
    var loadedSegments = LoadedSegments()

    /// A response and what becomes of the connection after it.
    struct Answer: Sendable {
        var response: Response
        var persistence: Persistence
    }

    /// A reader is to wait for something before it gets its answer.
    struct Hold: Sendable {
        /// The live.
        let stream: LiveStream
        /// What for.
        let awaited: LiveStream.Awaited
        /// How long at most: three target durations (RFC 8216bis §6.2.5.2).
        let longest: TimeAmount

        init(stream: LiveStream, awaited: LiveStream.Awaited, _ targetDuration: Int?) {
            self.stream = stream
            self.awaited = awaited
            longest = .seconds(3 * Int64(targetDuration ?? 1))
        }
    }

    /// What becomes of a request.
    enum Outcome: Sendable {
        case answer(Answer)
        /// It waits, and then this is asked again, from what was read of the request.
        case hold(Hold, again: Decision<Outcome>)
        /// Something is loaded, and then this is asked again.
        case load(Load, again: @Sendable (Loaded) -> Outcome)
        /// Something blocks, and the outcome is what it says.
        case consult(Consultation<Outcome>)
        /// Somebody makes something, and the outcome is what becomes of that.
        case commission(Commission<Outcome>)
    }

    /// What becomes of a request for a resource.
    enum Reply: Sendable {
        case response(Response)
        case hold(Hold, again: Decision<Reply>)
        case load(Load, again: @Sendable (Loaded) -> Reply)
        case consult(Consultation<Reply>)
        case commission(Commission<Reply>)
    }

    /// Decides about a request that has been read.
    ///
    /// Thousands of readers wake at the same moment: what can be done before they wait is done then.
    typealias Decision<Result> = @Sendable (_ mayHold: Bool) -> Result

    /// Decides about one request.
    ///
    /// - Parameters:
    ///   - head: the request.
    ///   - content: what came behind its head.
    ///   - peerAddress: who asks, without the port.
    ///   - mayHold: whether the reader may be held; false when it has been held for long enough.
    /// - Returns: the answer, or what to wait for before this is asked again.
    func outcome(
        of head: HTTPRequestHead,
        _ content: RequestContent = .none,
        from peerAddress: String,
        mayHold: Bool = true
    ) -> Outcome {
        // A fault in the framing or the target may mean that the next request is not where it seems to be.
        if let fault = RequestFault(head, content, maximumTargetLength: maximumTargetLength) {
            let response = fault == .body ? bodyRefusal(head) : fault.response
            return .answer(Answer(response: response, persistence: .close))
        }
        // The server as a whole can be asked for its methods (RFC 9110 §9.3.7).
        if head.uri == "*" {
            return Self.outcome(.response(.options(on: .plain)), head)
        }
        let reading: Reading
        do throws(RequestTarget.Fault) {
            reading = try read(head)
        } catch {
            let response = Response.failure(.badRequest, "The request target is no path that can be read.", on: .plain)
            return Self.outcome(.response(response), head)
        }
        let viewer = Viewer(token: reading.token, peerAddress: peerAddress, headers: head.headers)
        return Self.outcome(reply(to: head, reading, content, viewer, mayHold: mayHold), head)
    }

    /// Decides about a request that was read before.
    ///
    /// - Parameters:
    ///   - request: the request.
    ///   - session: the viewer's ``Viewer/session``.
    ///   - peerAddress: who asks, without the port.
    /// - Returns: as for any other request.
    func outcome(of request: KnownRequest, session: Int, from peerAddress: String) -> Outcome {
        let (head, reading) = (request.head, request.reading)
        var viewer = Viewer(token: reading.token, peerAddress: peerAddress, headers: head.headers)
        viewer.knownSession = session
        viewer.knownTraits = reading.traits
        return Self.outcome(reply(to: head, reading, .absent, viewer, mayHold: true), head)
    }

    private static func outcome(_ reply: Reply, _ head: HTTPRequestHead) -> Outcome {
        // Most are answered at once.
        outcome(reply, hasBody: head.method != .HEAD, Persistence(after: head))
    }

    /// What follows from the head of a request alone, whenever it comes and whoever sends it.
    struct Reading: Sendable {
        /// What stands behind `/t/` in front of the path.
        let token: String?
        /// What is asked for.
        let target: RequestTarget
        let route: Route
        /// How what is asked for is encrypted.
        let encryption: SegmentEncryption?
        /// What the header fields say, when that was looked at.
        var traits: RequestTraits?
    }

    private func read(_ head: HTTPRequestHead) throws(RequestTarget.Fault) -> Reading {
        var target = try RequestTarget(head.uri)
        let token = target.components.first == "t" && target.components.count > 2 ? target.components[1] : nil
        if token != nil { target = target.dropping(2) }
        let (plainTarget, encryption) = encryption(of: target)
        return Reading(token: token, target: plainTarget, route: Route(plainTarget), encryption: encryption)
    }

    /// What follows from a request if it may be answered without another look at its bytes when they come again.
    ///
    /// That is so for media, and nothing else: what players ask for again and again. The connection must stay as it is: a request
    /// that ends it, or wants another protocol, is the parser's.
    func lastingReading(of head: HTTPRequestHead) -> Reading? {
        guard head.method == .GET || head.method == .HEAD, Persistence(after: head) == .keepAlive,
            !head.headers.contains(name: "upgrade"),
            RequestFault(head, .absent, maximumTargetLength: maximumTargetLength) == nil,
            var reading = try? read(head), reading.route.surface == .media
        else { return nil }
        reading.traits = RequestTraits(head.headers)
        return reading
    }

    private static func outcome(_ reply: Reply, hasBody: Bool, _ persistence: Persistence) -> Outcome {
        switch reply {
        case .hold(let hold, let again): .hold(hold) { outcome(again($0), hasBody: hasBody, persistence) }
        case .load(let load, let again): .load(load) { outcome(again($0), hasBody: hasBody, persistence) }
        case .consult(let consultation): .consult(consultation.map { outcome($0, hasBody: hasBody, persistence) })
        case .commission(let commission): .commission(commission.map { outcome($0, hasBody: hasBody, persistence) })
        case .response(let response):
            .answer(
                Answer(
                    response: hasBody ? response : response.withoutBody,
                    persistence: response.isLast ? .close : persistence
                )
            )
        }
    }

    private func reply(
        to head: HTTPRequestHead,
        _ reading: Reading,
        _ content: RequestContent,
        _ viewer: Viewer,
        mayHold: Bool,
        isSearched: Bool = false
    ) -> Reply {
        let (target, route, encryption) = (reading.target, reading.route, reading.encryption)
        let prefix = access == nil ? "" : reading.token.flatMap(PlaybackToken.pathPrefix) ?? ""
        // Who may have a recording is known when that is.
        if !isSearched, let id = route.recording,
            let search = recordings?.searching(
                id,
                on: route.surface,
                { reply(to: head, reading, content, viewer, mayHold: mayHold, isSearched: true) }
            )
        {
            return search
        }
        if let refusal = refusal(of: route, viewer) { return .response(refusal) }
        if let reply = applicationReply(to: head, content, route, from: viewer.peerAddress) { return reply }
        if case .nothing(let surface) = route { return .response(notFound(on: surface)) }
        guard isServed(route) else { return .response(notFound(on: .plain)) }
        guard head.method == .GET || head.method == .HEAD else { return respond(to: head, content, route) }
        if route.beginsWatching, access?.isCDN(head.headers) != true, !admission.admits(.viewer) {
            return .response(.overloaded)
        }
        let (headers, query) = (head.headers, target.query)
        func listed(_ id: StreamID, _ playlist: LiveStream.Playlist, as form: MediaForm = .stored) -> Reply {
            let request = PlaylistRequest(playlist: playlist, form: form, viewer: viewer, encryption: encryption)
            return self.playlist(request, of: id, query, mayHold: mayHold)
        }
        switch route {
        case .mediaPlaylist(let id): return listed(id, .media)
        case .multivariantPlaylist(let id): return listed(id, .multivariant)
        case .renditionPlaylist(let id, let name):
            guard remuxer != nil else { return listed(id, .rendition(name: name)) }
            let (form, playlist) = MediaForm.playlist(named: name)
            return listed(id, playlist, as: form)
        case .mediaResource(let id, let name):
            return mediaResource(of: id, named: name, headers, encryption, mayHold: mayHold)
        case .poster(let id): return poster(of: id, headers)
        case .recorded(let id, let resource): return recorded(resource, of: id, query, headers, prefix: prefix)
        case .recordingPage(let id): return recordingPage(id, prefix: prefix)
        case .recordings, .recording: return operatorsRecordings(route, query, headers)
        case .clips, .imports: return .response(.methodNotAllowed(route))
        default: return .response(get(route, target, headers, prefix: prefix))
        }
    }

    /// What a target asks for, and how that is encrypted.
    private func encryption(of target: RequestTarget) -> (RequestTarget, SegmentEncryption?) {
        guard let encryption, target.components.first == "live" else { return (target, nil) }
        switch encryption.placement {
        case .instead: return (target, encryption)
        case .beside:
            guard target.components.count == 4, target.components[2] == SegmentEncryption.folder else {
                return (target, nil)
            }
            return (target.removingComponent(2), encryption)
        }
    }

    /// Answers a request that is none for content.
    private func respond(to head: HTTPRequestHead, _ content: RequestContent, _ route: Route) -> Reply {
        switch (head.method, route) {
        case (.OPTIONS, _): return .response(.options(on: route.surface, methods: route.methods))
        case (.DELETE, .stream(let id)):
            guard let operators else { break }
            return .response(operators.end(id, head.headers))
        case (.DELETE, .recording(let id)):
            guard let operators, let recordings else { break }
            return operators.delete(id, head.headers, recordings)
        case (.POST, .clips(let id)):
            guard let operators, let recordings else { break }
            return operators.makeClip(of: id, content, head.headers, recordings)
        case (.PATCH, .recording(let id)):
            guard let operators, let recordings else { break }
            return operators.change(id, content, head.headers, recordings)
        case (.DELETE, .job(let id)):
            guard let reply = operators?.cancelJob(id, head.headers) else { break }
            return reply
        case (.POST, .imports):
            guard let reply = operators?.beginImport(content, head.headers) else { break }
            return reply
        default: break
        }
        return .response(.methodNotAllowed(route))
    }

    /// The operators' port shows metrics and health; the viewers' shows all but metrics.
    private func isServed(_ route: Route) -> Bool {
        switch route {
        case .metrics: metrics != nil
        case .health, .readiness: true
        default: metrics == nil
        }
    }

    /// What somebody gets instead of a live that is not for them.
    private func refusal(of route: Route, _ viewer: Viewer) -> Response? {
        guard let access, let stream = route.protectedLive ?? recordedLive(route) else { return nil }
        let isQuestion =
            switch route {
            case .access, .recordedAccess: true
            default: false
            }
        guard case .deny(let reason) = access.decide(about: stream, viewer, isQuestion: isQuestion) else { return nil }
        return route.surface == .page ? pages.denied(reason) : .failure(.forbidden, reason, on: route.surface)
    }

    private func get(
        _ route: Route,
        _ target: RequestTarget,
        _ headers: HTTPHeaders,
        prefix: String
    ) -> Response {
        switch route {
        // These are answered before this.
        case .mediaPlaylist, .multivariantPlaylist, .renditionPlaylist, .mediaResource, .recorded, .poster:
            notFound(on: .media)
        case .recordings, .recording, .clips, .imports: notFound(on: .operators)
        case .jobs: operators?.jobs(headers) ?? notFound(on: .operators)
        case .job(let id): operators?.job(id, headers) ?? notFound(on: .operators)
        case .recordingPage: notFound(on: .page)
        case .home: pages.home(lives, host: headers.first(name: "host"))
        case .watch(let id):
            pages.watch(status(of: id, store.stream(id), prefix: prefix), site: Pages.site(headers, scheme: scheme))
        case .asset(let name): assets.respond(name, query: target.query, headers) ?? notFound(on: .plain)
        case .lives: .json(.object([("lives", .array(lives.map(\.json)))]))
        case .live(let id): .json(status(of: id, store.stream(id), prefix: prefix).json)
        case .access: .accessGranted
        case .recordedAccess(let id): recordings?.catalog[id] == nil ? notFound(on: .plain) : .accessGranted
        case .streams: operators?.streams(headers, store) ?? notFound(on: .operators)
        case .stream(let id): operators?.stream(id, headers, store) ?? notFound(on: .operators)
        case .metrics: .metrics(metrics?() ?? "")
        case .health: .plain(.ok, "ok\n")
        case .readiness: readinessResponse
        case .moved(let path): .moved(to: path)
        case .nothing(let surface): notFound(on: surface)
        }
    }

    /// Every live that someone may want to watch, by name.
    private var lives: [LiveStatus] {
        // Where links decide who may watch, the server names no live by itself.
        access != nil ? [] : store.streams.map { status(of: $0.id, $0) }.sorted { $0.id.name < $1.id.name }
    }

    private var readinessResponse: Response {
        let readiness = readiness()
        let isServing = readiness == .ready || readiness == .degraded
        return .plain(isServing ? .ok : .serviceUnavailable, readiness.rawValue + "\n")
    }

    func notFound(on surface: Route.Surface) -> Response {
        surface == .page ? pages.notFound : .failure(.notFound, "There is nothing at this address.", on: surface)
    }
}
