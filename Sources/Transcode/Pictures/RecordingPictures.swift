internal import LiveStore
internal import MediaCore
internal import NIOCore
public import Recordings
internal import Storage

/// What ``makePictures(of:progress:isCancelled:)`` has made.
public struct RecordingPictures: Hashable, Sendable {
    /// Whether there is a poster: not of sound alone.
    public var hasPoster = false
    /// How many pictures the storyboard has.
    public var tileCount = 0
    /// How many keyframes could not be decoded.
    public var failureCount = 0
}

/// Makes the poster and the storyboard of a recording, from keyframes alone, and writes them into its folder.
///
/// What was there is replaced, the text of the storyboard last, so that whoever sees it finds its pictures. May be called again
/// at any time. Blocks for as long as some hundred keyframes take to decode, on one thread; memory does not grow with the
/// recording but for its index.
///
/// - Parameters:
///   - recording: the recording; best when it is complete.
///   - progress: told how much is done, from 0 to 1.
///   - isCancelled: asked before each picture whether to go on.
/// - Returns: what there is now; nothing where a recording has no pictures.
/// - Throws: ``PictureError/storage(_:)`` when the disk fails, ``PictureError/cancelled``; nothing else.
@discardableResult
public func makePictures(
    of recording: Recording,
    progress: (Double) -> Void,
    isCancelled: () -> Bool
) throws(PictureError) -> RecordingPictures {
    var maker = try RecordingPictureMaker(recording)
    try maker.makePoster(isCancelled)
    try maker.makeStoryboard(progress, isCancelled)
    progress(1)
    return maker.made
}

/// The steps of making a recording's pictures.
private struct RecordingPictureMaker {
    /// What a poster fits in.
    private static let posterBox = PictureSize(width: 1280, height: 1280)
    /// What a picture of a storyboard fits in.
    private static let tileBox = PictureSize(width: 160, height: 160)
    /// Less contrast than this and a picture is taken for black or empty.
    private static let leastContrast = 16.0
    /// The most bytes of a segment that are read to find its first picture.
    private static let maximumBytes = 24 << 20
    /// The largest initialization segment that is read.
    private static let maximumInitialization = 1 << 20

    private let recording: Recording
    private let rendition = Rendition.ID(.muxed)
    private let locations: [SegmentLocation]
    private var initializations: [UInt32: ByteBuffer] = [:]
    /// Those without a track that can be decoded, as of sound alone.
    private var withoutPictures: Set<UInt32> = []
    private(set) var made = RecordingPictures()

    init(_ recording: Recording) throws(PictureError) {
        self.recording = recording
        locations = try stored { () throws(StorageFailure) in try recording.locations(in: Rendition.ID(.muxed)) }
    }

    // MARK: - Poster

    mutating func makePoster(_ isCancelled: () -> Bool) throws(PictureError) {
        var best: (location: SegmentLocation, contrast: Double)?
        for location in StoryboardPlan.posterCandidates(locations) {
            guard !isCancelled() else { throw .cancelled }
            guard let picture = try picture(of: location, fitting: Self.tileBox) else { continue }
            if picture.contrast > best?.contrast ?? -1 { best = (location, picture.contrast) }
            if picture.contrast >= Self.leastContrast { break }
        }
        guard let best, let picture = try picture(of: best.location, fitting: Self.posterBox) else { return }
        try write(picture, .poster, RecordingFolder.poster)
        made.hasPoster = true
    }

    // MARK: - Storyboard

    mutating func makeStoryboard(_ progress: (Double) -> Void, _ isCancelled: () -> Bool) throws(PictureError) {
        let plan = StoryboardPlan(locations)
        var board: Board?
        for (index, location) in plan.segments.enumerated() {
            guard !isCancelled() else { throw .cancelled }
            progress(Double(index) / Double(plan.segments.count))
            guard let picture = try picture(of: location, fitting: Self.tileBox) else {
                if !withoutPictures.contains(location.initialization) { made.failureCount += 1 }
                continue
            }
            if board == nil { board = Board(tile: picture.size) }
            if let (sprite, number) = try board?.add(picture, at: location.start - plan.span.lowerBound) {
                try write(sprite, .tile, RecordingFolder.storyboardSprite(number: number))
            }
            made.tileCount += 1
        }
        guard let board else { return }
        let spriteCount = board.text.spriteCount
        if let last = try board.lastSprite() {
            try write(last, .tile, RecordingFolder.storyboardSprite(number: spriteCount))
        }
        let text = ByteBuffer(string: board.text.text(until: plan.span.upperBound - plan.span.lowerBound))
        try stored { () throws(StorageFailure) in
            try recording.replaceFile(named: RecordingFolder.storyboard, with: text)
        }
        // What is left of a longer storyboard, if there was one.
        for number in 1...StoryboardText.maximumSprites where number > spriteCount {
            recording.removeFile(named: RecordingFolder.storyboardSprite(number: number))
        }
    }

    /// A storyboard in the making: its text, and the sprite that is being filled.
    private struct Board {
        var text: StoryboardText
        private var sprite: Picture?
        private var lastRow = 0

        init(tile: PictureSize) { text = StoryboardText(tile: tile) }

        mutating func add(_ picture: Picture, at start: MediaTime) throws(PictureError) -> (Picture, number: Int)? {
            let (number, x, y) = text.next
            let tile = text.tile
            if sprite == nil { sprite = try Self.black(tile, rows: StoryboardText.rows) }
            // Pictures of another shape, as when an encoder was turned, stand in the middle.
            let (left, top) = ((tile.width - picture.size.width) / 4 * 2, (tile.height - picture.size.height) / 4 * 2)
            sprite?.draw(picture, x: x + max(0, left), y: y + max(0, top))
            text.append(at: start)
            lastRow = y / tile.height
            guard text.next.sprite != number, let full = sprite else { return nil }
            sprite = nil
            return (full, number)
        }

        /// The sprite that is not full, without the rows that have nothing.
        func lastSprite() throws(PictureError) -> Picture? {
            guard let sprite else { return nil }
            let cut = try Self.black(text.tile, rows: lastRow + 1)
            cut.draw(sprite, x: 0, y: 0)
            return cut
        }

        private static func black(_ tile: PictureSize, rows: Int) throws(PictureError) -> Picture {
            let size = PictureSize(width: tile.width * StoryboardText.columns, height: tile.height * rows)
            return try decoded { () throws(LibAVError) in try Picture(blackOf: size) }
        }
    }

    // MARK: - Reading and writing

    /// The first picture of a segment; `nil` when there is none that can be decoded.
    private mutating func picture(
        of location: SegmentLocation,
        fitting box: PictureSize
    ) throws(PictureError) -> Picture? {
        guard !withoutPictures.contains(location.initialization) else { return nil }
        let initialization = try initialization(location.initialization)
        let known = Int(location.keyframeLength)
        let whole = min(Int(location.length), Self.maximumBytes)
        for length in known > 0 && known < whole ? [known, whole] : [whole] {
            let bytes = try stored { () throws(StorageFailure) in
                try recording.segment(at: location, in: rendition)?.subslice(0..<length)
                    .read(0..<min(length, Int(location.length)))
            }
            guard let bytes else { return nil }
            do throws(PictureError) {
                let keyframe = try KeyframeDecoder.decode(initialization: initialization, pieces: [bytes])
                return try decoded { () throws(LibAVError) in try Picture(keyframe, fitting: box) }
            } catch .noPictures {
                withoutPictures.insert(location.initialization)
                return nil
            } catch {
                continue
            }
        }
        return nil
    }

    private mutating func initialization(_ number: UInt32) throws(PictureError) -> ByteBuffer {
        if let known = initializations[number] { return known }
        let bytes = try stored { () throws(StorageFailure) in
            let file = try recording.file(named: RecordingFolder.initialization(of: rendition, number: number))
            return try file.whole.read(0..<min(file.byteCount, Self.maximumInitialization))
        }
        // A live has one, or one more for each change of its encoder.
        if initializations.count > 16 { initializations = [:] }
        initializations[number] = bytes
        return bytes
    }

    private func write(_ picture: Picture, _ quality: JPEGEncoder.Quality, _ name: String) throws(PictureError) {
        let bytes = try decoded { () throws(LibAVError) in try JPEGEncoder.encode(picture, quality) }
        try stored { () throws(StorageFailure) in try recording.replaceFile(named: name, with: bytes) }
    }
}

private func stored<Value>(_ body: () throws(StorageFailure) -> Value) throws(PictureError) -> Value {
    do throws(StorageFailure) { return try body() } catch { throw .storage(error) }
}

private func decoded<Value>(_ body: () throws(LibAVError) -> Value) throws(PictureError) -> Value {
    do throws(LibAVError) { return try body() } catch { throw .library(error) }
}
