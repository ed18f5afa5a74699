/// Watches one live as a low-latency player does: with blocking reloads, delta updates and requests for hinted parts; and
/// holds all that it sees against RFC 8216bis and ISO/IEC 14496-12.
///
/// Written from the draft, independently of the server. What it finds wrong it notes, and goes on.
public actor LowLatencyViewer {
    /// What was seen.
    public struct Report: Sendable {
        /// Versions of the playlist.
        public var versions = 0
        /// Versions that came as a delta update.
        public var deltas = 0
        /// Parts that were asked for before they were there, and came.
        public var hintedParts = 0
        /// Parts in all.
        public var parts = 0
        /// Whole segments.
        public var segments = 0
        /// EXT-X-DISCONTINUITY tags.
        public var discontinuities = 0
        /// EXT-X-MAP resources.
        public var initializations = 0
        /// Reloads that were answered before what they named was there.
        public var unansweredReloads = 0
        /// What breaks a rule.
        public var findings: [String] = []
    }

    /// What was seen so far.
    public private(set) var report = Report()
    /// The versions of the playlist.
    public private(set) var follower = PlaylistFollower()

    private let playlistURL: String
    private let folder: String
    private var initializations: [String: InitializationSegment] = [:]
    private var partBytes: [String: [UInt8]] = [:]
    /// The bytes of what the newest version lists.
    private var listedBytes: [String: [UInt8]] = [:]
    /// The bytes of every whole segment, by its number, as long as somebody wants them: see ``keepsSegments``.
    public private(set) var segmentBytes: [Int: [UInt8]] = [:]
    /// Whether every segment is kept in ``segmentBytes``.
    private let keepsSegments: Bool
    /// Where each track went on, by its number, since the last discontinuity.
    private var ends: [UInt32: UInt64] = [:]
    private var checkedPart = (number: -1, index: -1)
    private var checkedSegment = -1
    private var awaiting: [CheckedContinuation<Void, Never>] = []

    /// A viewer of a media playlist.
    ///
    /// - Parameters:
    ///   - server: where it is served.
    ///   - stream: the live's name.
    ///   - playlist: the playlist's name.
    ///   - keepsSegments: whether every segment is kept.
    public init(
        _ server: ServerProcess,
        stream: String = "main",
        playlist: String = "media.m3u8",
        keepsSegments: Bool = false
    ) {
        self.keepsSegments = keepsSegments
        folder = server.url("/live/\(stream)/")
        playlistURL = folder + playlist
    }

    /// Watches until the live ends or something is true of what was seen.
    ///
    /// The playlist must be there.
    public func watch(until isDone: @escaping @Sendable (Report) -> Bool) async throws {
        if follower.current == nil {
            let first = try await load(playlistURL)
            guard first.status == 200 else { return note("media.m3u8: status \(first.status)") }
            try await take(try PlaylistReader.readMedia(first.body))
        }
        defer { wake() }
        while let current = follower.current, !current.hasEndList, !isDone(report) {
            wake()
            async let hinted = loadHint(current.preloadHint)
            try await reload(current)
            try await keep(hinted, of: current.preloadHint)
        }
    }

    /// Looks, when the server has been away, whether all that it had listed is there as it was.
    ///
    /// - Returns: how many parts and segments were looked at.
    public func checkAfterRestart() async throws -> Int {
        let answer = try await load(playlistURL)
        guard answer.status == 200 else {
            note("after a restart \(playlistURL) got status \(answer.status)")
            return 0
        }
        let known = listedBytes
        try await take(try PlaylistReader.readMedia(answer.body), isAfterCrash: true)
        for (name, bytes) in known {
            let answer = try await load(folder + name)
            if answer.status != 200 {
                note("\(name) was listed before a restart and got status \(answer.status)")
            } else if answer.body != bytes {
                note("\(name) is another one after a restart")
            }
        }
        return known.count
    }

    /// Waits until another version has been seen.
    public func nextVersion() async throws {
        await withCheckedContinuation { awaiting.append($0) }
        try Task.checkCancellation()
    }

    private func wake() {
        let woken = awaiting
        awaiting = []
        for continuation in woken { continuation.resume() }
    }

    private func note(_ finding: String) {
        if report.findings.count < 50 { report.findings.append(finding) }
    }

    // MARK: - Requests

    private func load(_ url: String) async throws -> HTTPResponse {
        try await HTTPClient.send(url, within: .seconds(90))
    }

    /// Asks for the part behind the last one.
    private func reload(_ current: MediaPlaylist) async throws {
        let number = current.nextMediaSequenceNumber
        let part = current.partTarget == nil ? "" : "&_HLS_part=\(current.openSegment?.parts.count ?? 0)"
        // Every second time in full, so that both forms are seen.
        let skip =
            current.serverControl?.canSkipUntil != nil && report.versions.isMultiple(of: 2) ? "&_HLS_skip=YES" : ""
        let answer = try await load("\(playlistURL)?_HLS_msn=\(number)\(part)\(skip)")
        guard answer.status == 200 else {
            // The server says that it cannot wait longer; that is in order, but says something of the encoder.
            report.unansweredReloads += 1
            return answer.status == 503 ? () : note("a reload got status \(answer.status): \(answer.text)")
        }
        var next = try PlaylistReader.readMedia(answer.body)
        if next.skippedSegments > 0 {
            report.deltas += 1
            next = try next.merged(onto: current)
        }
        let hasIt =
            next.nextMediaSequenceNumber > number
            || (next.openSegment?.parts.count ?? 0) > (current.openSegment?.parts.count ?? 0)
        if !hasIt, !next.hasEndList { report.unansweredReloads += 1 }
        try await take(next)
    }

    private func loadHint(_ hint: String?) async throws -> HTTPResponse? {
        guard let hint else { return nil }
        return try await load(folder + hint)
    }

    private func keep(_ answer: HTTPResponse?, of hint: String?) async throws {
        guard let answer, let hint else { return }
        if answer.status == 200 {
            report.hintedParts += 1
            partBytes[hint] = answer.body
        } else if follower.current?.preloadHint != hint, follower.current?.hasEndList == false {
            note("the hinted part \(hint) got status \(answer.status)")
        }
    }

    // MARK: - A version

    private func take(_ next: MediaPlaylist, isAfterCrash: Bool = false) async throws {
        report.versions += 1
        do {
            try follower.follow(next, isAfterCrash: isAfterCrash)
        } catch {
            note("\(error)")
        }
        let whole = next.segments.flatMap { [$0.uri] + $0.parts.map(\.uri) }
        let listed = Set(whole + (next.openSegment?.parts.map(\.uri) ?? []))
        listedBytes = listedBytes.filter { listed.contains($0.key) }
        for segment in next.segments where segment.mediaSequenceNumber >= checkedSegment {
            try await check(
                segment.parts,
                of: segment.mediaSequenceNumber,
                map: segment.map?.uri,
                isDiscontinuous: segment.isDiscontinuous
            )
            if segment.mediaSequenceNumber > checkedSegment { try await check(segment) }
        }
        if let open = next.openSegment {
            try await check(
                open.parts,
                of: next.nextMediaSequenceNumber,
                map: open.map?.uri,
                isDiscontinuous: open.isDiscontinuous
            )
        }
    }

    private func check(
        _ parts: [MediaPlaylist.Part],
        of number: Int,
        map: String?,
        isDiscontinuous: Bool
    ) async throws {
        for (index, part) in parts.enumerated() where (number, index) > checkedPart {
            if index == 0, isDiscontinuous {
                ends = [:]
                report.discontinuities += 1
            }
            checkedPart = (number, index)
            report.parts += 1
            guard let map, let initialization = try await initialization(map) else { continue }
            let bytes: [UInt8]
            if let known = partBytes[part.uri] {
                bytes = known
            } else {
                let answer = try await load(folder + part.uri)
                guard answer.status == 200 else {
                    note("\(part.uri) is listed and got status \(answer.status)")
                    continue
                }
                bytes = answer.body
            }
            partBytes[part.uri] = bytes
            listedBytes[part.uri] = bytes
            check(part, bytes, initialization)
        }
    }

    private func initialization(_ uri: String) async throws -> InitializationSegment? {
        if let known = initializations[uri] { return known }
        let answer = try await load(folder + uri)
        guard answer.status == 200 else {
            note("\(uri) is listed and got status \(answer.status)")
            return nil
        }
        report.initializations += 1
        let read = try ISOBMFFReader.readInitializationSegment(answer.body)
        initializations[uri] = read
        return read
    }

    private func check(_ part: MediaPlaylist.Part, _ bytes: [UInt8], _ initialization: InitializationSegment) {
        do {
            let media = try ISOBMFFReader.readMediaSegment(bytes, initialization: initialization)
            for track in media.fragments.flatMap(\.tracks) {
                if let end = ends[track.trackID], abs(Int64(track.baseMediaDecodeTime) - Int64(end)) > 1 {
                    note("\(part.uri): track \(track.trackID) begins at \(track.baseMediaDecodeTime), expected \(end)")
                }
                ends[track.trackID] = track.endTime
            }
            if let video = initialization.track(handler: "vide") {
                let hasSync = media.samples(of: video.trackID).contains(where: \.isSync)
                if hasSync != part.isIndependent {
                    note("\(part.uri): INDEPENDENT=\(part.isIndependent), sync: \(hasSync)")
                }
            } else if !part.isIndependent {
                note("\(part.uri): sound that is not independent")
            }
            if media.unusedMediaDataBytes > 0 { note("\(part.uri): \(media.unusedMediaDataBytes) unused bytes") }
        } catch {
            note("\(part.uri): \(error)")
        }
    }

    private func check(_ segment: MediaPlaylist.Segment) async throws {
        checkedSegment = segment.mediaSequenceNumber
        report.segments += 1
        if segment.programDateTime == nil { note("\(segment.uri) has no EXT-X-PROGRAM-DATE-TIME") }
        let answer = try await load(folder + segment.uri)
        guard answer.status == 200 else { return note("\(segment.uri) is listed and got status \(answer.status)") }
        listedBytes[segment.uri] = answer.body
        if keepsSegments { segmentBytes[segment.mediaSequenceNumber] = answer.body }
        let parts = segment.parts.compactMap { partBytes[$0.uri] }
        if !segment.parts.isEmpty, parts.count == segment.parts.count, parts.flatMap({ $0 }) != answer.body {
            note("\(segment.uri) is not its parts")
        }
        partBytes = partBytes.filter { name, _ in !segment.parts.contains { $0.uri == name } }
        // Its parts would be asked for again.
        let last = (number: segment.mediaSequenceNumber, index: segment.parts.count - 1)
        if last > checkedPart { checkedPart = last }
    }
}
