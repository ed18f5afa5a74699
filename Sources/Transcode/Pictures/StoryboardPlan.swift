internal import MediaCore
internal import Recordings

/// Which segments of a recording give the pictures of its storyboard.
struct StoryboardPlan {
    /// The most pictures that a storyboard has: about three megabytes.
    static let maximumTiles = 600
    /// How far pictures are apart at least: the first of these with which ``maximumTiles`` are enough.
    private static let intervals: [Double] = [2, 5, 10, 15, 20, 30, 60, 120, 180, 300, 600, 900, 1800, 3600]

    /// How far pictures are apart at least.
    let interval: MediaTime
    /// The segments, in order.
    let segments: [SegmentLocation]
    /// Where the recording's timeline begins and ends.
    let span: Range<MediaTime>

    /// The plan for these segments.
    init(_ locations: [SegmentLocation]) {
        let start = locations.first?.start ?? .zero
        let end = max(start, locations.last.map { $0.start + $0.duration } ?? .zero)
        span = start..<end
        let seconds = (end - start).seconds
        let wanted = Self.intervals.first { seconds <= $0 * Double(Self.maximumTiles) }
        interval = .seconds(wanted ?? seconds / Double(Self.maximumTiles))
        var segments: [SegmentLocation] = []
        for location in locations where location.hasKeyframe {
            if let last = segments.last, location.start - last.start < interval { continue }
            if segments.count < Self.maximumTiles { segments.append(location) }
        }
        self.segments = segments
    }

    /// Segments that may give the picture which stands for the whole: some time into it, when what it is about has begun.
    static func posterCandidates(_ locations: [SegmentLocation]) -> [SegmentLocation] {
        let usable = locations.filter(\.hasKeyframe)
        var candidates: [SegmentLocation] = []
        for share in [0.1, 0.15, 0.2, 0.25, 0.3] {
            guard let location = usable.dropFirst(Int(share * Double(usable.count))).first,
                !candidates.contains(location)
            else { continue }
            candidates.append(location)
        }
        return candidates
    }
}

extension SegmentLocation {
    /// Whether its first picture can be decoded by itself.
    fileprivate var hasKeyframe: Bool { !isLost && isIndependent }
}

/// The text of a storyboard: WebVTT whose cues name rectangles of pictures (Media Fragments URI 1.0 §4.2.2).
struct StoryboardText {
    /// Pictures a row and rows of a sprite.
    static let columns = 10, rows = 10
    /// The most sprites that there are.
    static let maximumSprites = (StoryboardPlan.maximumTiles - 1) / (columns * rows) + 1

    private var cues: [(start: MediaTime, sprite: Int, x: Int, y: Int)] = []

    /// The size of a picture.
    let tile: PictureSize

    /// A storyboard without pictures.
    init(tile: PictureSize) { self.tile = tile }

    /// The place of the next picture.
    var next: (sprite: Int, x: Int, y: Int) {
        let perSprite = Self.columns * Self.rows
        let place = cues.count % perSprite
        return (
            cues.count / perSprite + 1, place % Self.columns * tile.width, place / Self.columns * tile.height
        )
    }

    /// How many sprites have a picture.
    var spriteCount: Int { (cues.count + Self.columns * Self.rows - 1) / (Self.columns * Self.rows) }

    /// Adds a picture, shown from a moment of the timeline until the next one.
    mutating func append(at start: MediaTime) {
        let (sprite, x, y) = next
        cues.append((start, sprite, x, y))
    }

    /// The file.
    ///
    /// - Parameter end: where the timeline ends.
    /// - Returns: its text.
    func text(until end: MediaTime) -> String {
        var text = "WEBVTT\n"
        for (index, cue) in cues.enumerated() {
            // The beginning has the first picture that there is.
            let start = index == 0 ? .zero : cue.start
            let stop = index + 1 < cues.count ? cues[index + 1].start : max(end, start + .milliseconds(1))
            text += """

                \(Self.timestamp(start)) --> \(Self.timestamp(stop))
                \(RecordingFolder.storyboardSprite(number: cue.sprite))#xywh=\(cue.x),\(cue.y),\(tile.width),\(tile.height)

                """
        }
        return text
    }

    /// A time as WebVTT writes it (WebVTT §3.1): hours, minutes, seconds and thousandths.
    static func timestamp(_ time: MediaTime) -> String {
        let milliseconds = max(0, time.nanoseconds / 1_000_000)
        func digits(_ number: Int64, _ count: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        let (seconds, rest) = milliseconds.quotientAndRemainder(dividingBy: 1000)
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60)
        return "\(digits(hours, 2)):\(digits(minutes, 2)):\(digits(seconds % 60, 2)).\(digits(rest, 3))"
    }
}
