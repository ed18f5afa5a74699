import LiveStore
import Logging
import MediaCore
import NIOCore
import NIOPosix
import Synchronization

/// Pictures of the lives, made of their newest keyframes when somebody wants to see one.
///
/// A picture is made anew when it is asked for and ``lifetime`` old; who asks gets the old one meanwhile, unless that is
/// ``longestLifetime`` old. Nobody asks, nothing is made. One thread makes them all, so a crowd on the home page costs one core
/// at most and the lives nothing; they are kept in memory, ``maximumPosters`` at most.
final class LivePosters: Sendable {
    /// How old a picture becomes before it is made anew.
    static let lifetime = TimeAmount.seconds(10)
    /// How old a picture may be to be shown while a new one is made.
    static let longestLifetime = TimeAmount.seconds(60)
    /// How many are kept: at some 50 kB each, 25 MB.
    static let maximumPosters = 512
    /// How many may wait to be made: more than half a minute's work.
    static let maximumWaiting = 256
    /// Pixels each way: twice what the home page shows, for screens with dense pixels.
    static let largestWidth = 640

    /// A picture.
    struct Poster: Sendable {
        /// JPEG.
        let body: ByteBuffer
        /// Tells it from all others of its name: an opaque-tag without its quotes.
        let entityTag: String
    }

    /// What is known of a live's picture.
    enum Status: Sendable {
        /// Nothing yet.
        case unknown
        /// It has no pictures, or none that can be decoded.
        case none
        case poster(Poster)
    }

    private struct Entry {
        /// ``LiveStream/tag`` of the live that it is of.
        let tag: String
        var status = Status.unknown
        var madeAt: NIODeadline?
        var askedAt: NIODeadline
        var isMaking = false
        var count = 0
        var waiting: [@Sendable () -> Void] = []
    }

    /// Has something done, one after the other, off the event loops.
    typealias Performer = @Sendable (_ work: @escaping @Sendable () -> Void) -> Void

    private let maker: any PictureMaker
    private let logger: Logger
    private let perform: Performer
    private let entries = Mutex<[StreamID: Entry]>([:])
    private let now: @Sendable () -> NIODeadline

    /// No pictures yet.
    ///
    /// - Parameters:
    ///   - maker: makes them.
    ///   - logger: told at debug of those that cannot be made.
    ///   - now: this moment.
    ///   - perform: where they are made; by default a thread for this alone, which starts with the first.
    init(
        _ maker: any PictureMaker,
        logger: Logger,
        now: @escaping @Sendable () -> NIODeadline = { .now() },
        perform: @escaping Performer = LivePosters.onThreadOfItsOwn()
    ) {
        self.maker = maker
        self.logger = logger
        self.now = now
        self.perform = perform
    }

    private static func onThreadOfItsOwn() -> Performer {
        let thread = PosterThread()
        return { work in thread.perform(work) }
    }

    // MARK: - Asking

    /// What can be shown of a live now; a picture is made if it is time for one.
    func status(of stream: LiveStream) -> Status {
        ask(stream, nil).status
    }

    /// Waits for a picture that is being made.
    ///
    /// - Parameters:
    ///   - stream: the live.
    ///   - resume: called once, on any thread, when it is made or cannot be.
    /// - Returns: false when there is nothing to wait for, and `resume` is not called: ``status(of:)`` says all there is.
    func wait(for stream: LiveStream, _ resume: @escaping @Sendable () -> Void) -> Bool {
        ask(stream, resume).waits
    }

    private func ask(
        _ stream: LiveStream,
        _ resume: (@Sendable () -> Void)?
    ) -> (status: Status, waits: Bool) {
        let now = now()
        let snapshot = stream.snapshot
        // Nothing to make a picture of yet.
        if case .preparing = snapshot.phase { return (.unknown, false) }
        let (answer, begins, abandoned) = entries.withLock { entries in
            let known = entries[stream.id]
            // Of another live of this name: whoever waits for that waits in vain.
            let abandoned = known.map { $0.tag == stream.tag ? [] : $0.waiting } ?? []
            var entry = known.flatMap { $0.tag == stream.tag ? $0 : nil } ?? Entry(tag: stream.tag, askedAt: now)
            entry.askedAt = now
            let age = entry.madeAt.map { now - $0 }
            var begins = false
            // Of a live that has ended nothing new comes.
            let isDue = age.map { $0 >= Self.lifetime && !snapshot.hasEnded } ?? true
            if isDue, !entry.isMaking,
                entries.values.count(where: \.isMaking) < Self.maximumWaiting
            {
                (entry.isMaking, begins) = (true, true)
            }
            if isDue, let age, age >= Self.longestLifetime { entry.status = .unknown }
            var waits = false
            if case .unknown = entry.status, entry.isMaking, let resume {
                entry.waiting.append(resume)
                waits = true
            }
            Self.makeRoom(in: &entries, for: stream.id)
            entries[stream.id] = entry
            return ((entry.status, waits), begins, abandoned)
        }
        for resume in abandoned { resume() }
        if begins { begin(stream) }
        return answer
    }

    /// Forgets the picture that nobody has asked for for longest.
    private static func makeRoom(in entries: inout [StreamID: Entry], for id: StreamID) {
        guard entries.count >= maximumPosters, entries[id] == nil else { return }
        let oldest = entries.filter { !$0.value.isMaking }.min { $0.value.askedAt < $1.value.askedAt }
        if let oldest { entries[oldest.key] = nil }
    }

    // MARK: - Making

    private func begin(_ stream: LiveStream) {
        perform { self.settle(stream, Result { try self.make(stream) }) }
    }

    private func make(_ stream: LiveStream) throws -> ByteBuffer? {
        guard let media = stream.snapshot.window.newestKeyframe else { throw NoMedia() }
        return try maker.poster(
            initialization: media.initialization,
            pieces: media.pieces,
            largestWidth: Self.largestWidth
        )
    }

    private func settle(_ stream: LiveStream, _ result: Result<ByteBuffer?, any Error>) {
        let now = now()
        let waiting = entries.withLock { entries in
            guard var entry = entries[stream.id], entry.tag == stream.tag else { return [@Sendable () -> Void]() }
            entry.isMaking = false
            entry.madeAt = now
            entry.count += 1
            switch result {
            case .success(let body?):
                entry.status = .poster(Poster(body: body, entityTag: "\(stream.tag)-poster-\(entry.count)"))
            case .success(nil): entry.status = .none
            case .failure:
                // The picture of before is better than none.
                if case .unknown = entry.status { entry.status = .none }
            }
            let waiting = entry.waiting
            entry.waiting = []
            entries[stream.id] = entry
            return waiting
        }
        if case .failure(let error) = result {
            logger.debug("no picture of a live", metadata: ["stream.id": "\(stream.id)", "error.type": "\(error)"])
        }
        for resume in waiting { resume() }
    }

    /// Nothing of the live can be decoded by itself, or not yet.
    private struct NoMedia: Error, CustomStringConvertible {
        var description: String { "there is no keyframe in memory" }
    }
}

extension LiveWindow {
    /// The newest media in memory that begins with a keyframe, with what EXT-X-MAP names for it.
    fileprivate var newestKeyframe: (initialization: ByteBuffer, pieces: [ByteBuffer])? {
        if let unfinished, unfinished.isIndependent, !unfinished.parts.isEmpty {
            return (unfinished.initialization.body, unfinished.parts.flatMap(\.resource.pieces))
        }
        guard let segment = heldSegments.last(where: \.isIndependent) else { return nil }
        return (segment.initialization.body, segment.resource.pieces)
    }
}

/// A thread that is there when it is first needed.
private final class PosterThread: Sendable {
    private let pool = NIOThreadPool(numberOfThreads: 1)

    deinit { pool.shutdownGracefully { _ in } }

    func perform(_ work: @escaping @Sendable () -> Void) {
        pool.start()
        // What is still waiting when the origin goes is waited for by nobody.
        pool.submit { state in if case .active = state { work() } }
    }
}
