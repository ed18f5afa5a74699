import LiveStore
import Logging
import MediaCore
import NIOCore
import Synchronization
import Testing

@testable import Origin

@Suite("Pictures of lives")
struct LivePostersTests {
    /// Makes pictures that say how many there were, when it is told to, at the time that it is told.
    final class Studio: PictureMaker {
        struct Broken: Error {}

        private let count = Atomic(0)
        private let clock = Atomic(UInt64(1_000_000_000))
        private let work = Mutex<[@Sendable () -> Void]>([])
        private let hasPictures: Bool
        let isBroken = Atomic(false)

        init(hasPictures: Bool = true) { self.hasPictures = hasPictures }

        func poster(initialization: ByteBuffer, pieces: [ByteBuffer], largestWidth: Int) throws -> ByteBuffer? {
            let number = count.add(1, ordering: .relaxed).newValue
            if isBroken.load(ordering: .relaxed) { throw Broken() }
            return hasPictures ? ByteBuffer(string: "picture \(number)") : nil
        }

        func posters() -> LivePosters {
            LivePosters(
                self,
                logger: Logger(label: "test"),
                now: { .uptimeNanoseconds(self.clock.load(ordering: .relaxed)) },
                perform: { work in self.work.withLock { $0.append(work) } }
            )
        }

        func advance(_ seconds: UInt64) { clock.add(seconds * 1_000_000_000, ordering: .relaxed) }

        /// Makes what has been asked for, and says how much that was.
        @discardableResult
        func makeAll() -> Int {
            let all = work.withLock { work in
                defer { work = [] }
                return work
            }
            for work in all { work() }
            return all.count
        }
    }

    private let fixture = Fixture()

    private func text(_ status: LivePosters.Status) -> String {
        switch status {
        case .unknown: "unknown"
        case .none: "none"
        case .poster(let poster): String(buffer: poster.body)
        }
    }

    @Test("whoever asks first waits, and those who ask soon after get the same picture")
    func once() throws {
        let (stream, studio) = (try fixture.goLive("main"), Studio())
        let posters = studio.posters()
        let woken = Atomic(0)
        for _ in 0..<3 { #expect(posters.wait(for: stream) { woken.add(1, ordering: .relaxed) }) }
        #expect(text(posters.status(of: stream)) == "unknown")
        #expect(studio.makeAll() == 1)
        #expect(woken.load(ordering: .relaxed) == 3)
        studio.advance(9)
        #expect(text(posters.status(of: stream)) == "picture 1")
        #expect(!posters.wait(for: stream) {})
        #expect(studio.makeAll() == 0)
    }

    @Test("an old picture is shown while a new one is made, a very old one is not")
    func renewal() throws {
        let (stream, studio) = (try fixture.goLive("main"), Studio())
        let posters = studio.posters()
        _ = posters.status(of: stream)
        studio.makeAll()
        studio.advance(10)
        for _ in 0..<10 { #expect(text(posters.status(of: stream)) == "picture 1") }
        #expect(studio.makeAll() == 1)
        #expect(text(posters.status(of: stream)) == "picture 2")
        studio.advance(60)
        #expect(posters.wait(for: stream) {})
        studio.makeAll()
        #expect(text(posters.status(of: stream)) == "picture 3")
    }

    @Test("a live without pictures has none, and is asked again now and then only")
    func soundAlone() throws {
        let (stream, studio) = (try fixture.goLive("main"), Studio(hasPictures: false))
        let posters = studio.posters()
        _ = posters.status(of: stream)
        studio.makeAll()
        #expect(text(posters.status(of: stream)) == "none")
        #expect(!posters.wait(for: stream) {})
        #expect(studio.makeAll() == 0)
    }

    @Test("nothing is made of a live that has no segment yet")
    func preparing() throws {
        let (stream, studio) = (try fixture.prepare("main"), Studio())
        let posters = studio.posters()
        #expect(!posters.wait(for: stream) {})
        #expect(studio.makeAll() == 0)
    }

    @Test("the picture of before stays where the next one cannot be made")
    func broken() throws {
        let (stream, studio) = (try fixture.goLive("main"), Studio())
        let posters = studio.posters()
        _ = posters.status(of: stream)
        studio.makeAll()
        studio.isBroken.store(true, ordering: .relaxed)
        studio.advance(10)
        _ = posters.status(of: stream)
        #expect(studio.makeAll() == 1)
        #expect(text(posters.status(of: stream)) == "picture 1")
    }

    @Test("a live that has ended keeps its last picture")
    func ended() throws {
        let (stream, studio) = (try fixture.goLive("main"), Studio())
        let posters = studio.posters()
        _ = posters.status(of: stream)
        studio.makeAll()
        fixture.end(stream)
        studio.advance(3600)
        #expect(text(posters.status(of: stream)) == "picture 1")
        #expect(studio.makeAll() == 0)
    }

    @Test("the next live of a name begins without a picture")
    func nextLive() throws {
        let (stream, studio) = (try fixture.goLive("main"), Studio())
        let posters = studio.posters()
        _ = posters.status(of: stream)
        studio.makeAll()
        fixture.end(stream)
        let next = try fixture.goLive("main", tag: "t2")
        #expect(text(posters.status(of: next)) == "unknown")
        studio.makeAll()
        #expect(text(posters.status(of: next)) == "picture 2")
    }

    @Test("of more lives than are kept, those go that nobody has asked for")
    func bound() throws {
        let studio = Studio()
        let posters = studio.posters()
        let first = try fixture.goLive("first")
        _ = posters.status(of: first)
        studio.makeAll()
        for number in 0..<LivePosters.maximumPosters {
            studio.advance(1)
            _ = posters.status(of: try fixture.goLive("live\(number)"))
            studio.makeAll()
        }
        #expect(text(posters.status(of: first)) == "unknown")
    }
}
