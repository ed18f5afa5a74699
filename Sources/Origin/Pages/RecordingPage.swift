import MediaCore
import NIOHTTP1
import Recordings

extension Pages {
    /// The page of one recording, with its player.
    ///
    /// Nobody finds it who has not been given its address: no page links to it, search engines are asked to leave it out, and
    /// other sites are not told where somebody comes from.
    func recording(_ facts: RecordingFacts, _ links: RecordingLinks, prefix: String) -> Response {
        page(
            .ok,
            title: "\(facts.title) · Lyceum",
            script: facts.state == .ready ? "recording.js" : nil,
            isListed: false,
            """
            <div class="watch">
            \(facts.state == .ready ? player(facts, links) : stillLive(facts, prefix: prefix))
            <div class="title"><h1>\(facts.title)</h1></div>
            <p class="unseen" id="status" role="status" aria-live="polite"></p>
            \(RecordingWords(facts, playlist: links.playlist, download: links.download).markup)
            \(facts.state == .ready ? help(playlist: links.playlist, keys: Self.recordingKeys) : "")
            </div>
            """
        )
    }

    /// What the address of no recording gets, or of one that was deleted.
    var noRecording: Response {
        page(
            .notFound,
            title: "No recording · Lyceum",
            isListed: false,
            """
            <section class="notice"><h1>There is no such recording</h1>
            <p>The address may be mistyped, or the recording was deleted.</p>
            <p><a class="button" href="/">See what is live</a></p></section>
            """
        )
    }

    private static let recordingKeys: HTML = """
        <div><dt><kbd>Home</kbd> <kbd>End</kbd></dt><dd>to the beginning or the end</dd></div>
        """

    private func player(_ facts: RecordingFacts, _ links: RecordingLinks) -> HTML {
        let poster: HTML = links.poster.map { " poster=\"\($0)\"" } ?? ""
        let duration = "\(Double(facts.duration / 1_000_000) / 1000)"
        let hasScript = player(
            of: "Video of \(facts.title)",
            playlist: links.playlist,
            attributes: "data-duration=\"\(duration)\" data-storyboard=\"\(links.storyboard ?? "")\"",
            videoAttributes: poster,
            position: """
                <span class="time"><span class="now">0:00</span> / \
                <span class="length">\(RecordingWords.clock(facts.duration))</span></span>
                """
        )
        return """
            \(hasScript)
            <noscript><video class="plain" controls playsinline src="\(links.playlist)"\(poster)></video>
            \(Self.needsNativeHLS)</noscript>
            """
    }

    /// What stands in place of a player while the recording is being made.
    private func stillLive(_ facts: RecordingFacts, prefix: String) -> HTML {
        var link: HTML = ""
        if let id = StreamID(facts.stream) {
            link = "<p><a class=\"button\" href=\"\(Route.watchPath(id, prefix: prefix))\">Watch it live</a></p>"
        }
        return """
            <section class="notice"><h2>This is still live</h2>
            <p>The recording is here when the live is over.</p>\(link)</section>
            """
    }
}

/// What a page says of a recording.
struct RecordingWords {
    /// As many gaps as a page lists: more are only counted.
    private static let listedGaps = 20

    private let facts: RecordingFacts
    private let playlist: String
    private let download: String?

    // The playlist is where the places of gaps are.
    init(_ facts: RecordingFacts, playlist: String, download: String? = nil) {
        self.facts = facts
        self.playlist = playlist
        self.download = download
    }

    /// When it was, how long it is, and what is missing.
    var markup: HTML {
        let date = WallClockTime(milliseconds: facts.startedAt).description
        let length: HTML = facts.duration > 0 ? "<span>\(Self.length(facts.duration))</span>" : ""
        let file: HTML = download.map { "<a href=\"\($0)\" download>Download as MP4</a>" } ?? ""
        return """
            <p class="facts"><time datetime="\(date)">\(Self.day(date)) UTC</time>\(length)\(file)</p>
            \(gaps)
            """
    }

    private var gaps: HTML {
        guard !facts.gaps.isEmpty else { return "" }
        let items: [HTML] = facts.gaps.prefix(Self.listedGaps).map { gap in
            let seconds = Int(gap.start / 1_000_000_000)
            // Browsers that play HLS by themselves begin at this place of the playlist (W3C Media Fragments).
            return """
                <li><a href="\(playlist)#t=\(seconds)" data-place="\(seconds)">\(Self.clock(gap.start))</a> \
                <span>\(Self.words(gap))</span></li>

                """
        }
        let rest = facts.gaps.count - items.count
        let more: HTML = rest > 0 ? "<li>and \(rest) more</li>" : ""
        return """
            <section class="gaps"><h2>What is missing</h2>
            <ul>
            \(items)\(more)</ul></section>
            """
    }

    private static func words(_ gap: RecordingFacts.Gap) -> String {
        let missing = length(max(gap.missing * 1_000_000, gap.duration))
        return switch gap.cause {
        case .encoder: "The connection to the streamer was lost: \(missing)."
        case .server: "The server was away: \(missing)."
        case .disk: "The server could not store what came: \(missing)."
        }
    }

    /// A length on the scale of a player: `1:05`, or `1:00:05` from an hour on.
    static func clock(_ nanoseconds: Int64) -> String {
        let seconds = rounded(nanoseconds)
        let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, twoDigits(seconds % 60))
        return hours > 0 ? "\(hours):\(twoDigits(minutes)):\(rest)" : "\(minutes):\(rest)"
    }

    /// A length in words: the two largest units that it has.
    static func length(_ nanoseconds: Int64) -> String {
        let seconds = rounded(nanoseconds)
        guard seconds > 0 else { return "less than a second" }
        let parts = [(seconds / 3600, "hour"), (seconds / 60 % 60, "minute"), (seconds % 60, "second")]
        let shown = parts.drop { $0.0 == 0 }.prefix(2).filter { $0.0 > 0 }
        return shown.map { "\($0.0) \($0.1)\($0.0 == 1 ? "" : "s")" }.joined(separator: " ")
    }

    /// `2026-09-21T14:13:20.000Z` as `21 September 2026, 14:13`.
    static func day(_ moment: String) -> String {
        let months = [
            "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
            "November", "December",
        ]
        let fields = moment.prefix(10).split(separator: "-").compactMap { Int($0) }
        guard fields.count == 3, months.indices.contains(fields[1] - 1) else { return moment }
        return "\(fields[2]) \(months[fields[1] - 1]) \(fields[0]), \(moment.dropFirst(11).prefix(5))"
    }

    private static func rounded(_ nanoseconds: Int64) -> Int { Int((Double(nanoseconds) / 1_000_000_000).rounded()) }

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
