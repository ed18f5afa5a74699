import CoreMetrics
import Logging
import MediaCore
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import Ingest

@Suite("Wrong stream keys")
struct WrongKeyThrottleTests {
    private let start = NIODeadline.uptimeNanoseconds(0)

    @Test("each wrong key makes the next answer later, ten of them refuse the address for five minutes")
    func slowedThenRefused() {
        var throttle = WrongKeyThrottle()
        var delays: [Int64] = []
        for number in 1...10 {
            #expect(throttle.admit("192.0.2.1", now: start) == .ask)
            let (delay, isRefused) = throttle.failed("192.0.2.1", now: start)
            delays.append(delay.nanoseconds / 1_000_000)
            #expect(isRefused == (number == 10))
        }
        #expect(delays.prefix(6) == [250, 500, 1000, 2000, 4000, 4000])
        #expect(throttle.admit("192.0.2.1", now: start + .seconds(299)) == .refuse(after: .seconds(1)))
        #expect(throttle.admit("192.0.2.2", now: start) == .ask, "another address is another matter")
        #expect(throttle.admit("192.0.2.1", now: start + .seconds(300)) == .ask)
        #expect(throttle.wrongKeys == 10 && throttle.refusals == 1)
    }

    @Test("wrong keys are forgotten after ten minutes, and with a right one")
    func forgotten() {
        var throttle = WrongKeyThrottle()
        for _ in 0..<9 { _ = throttle.failed("192.0.2.1", now: start) }
        #expect(throttle.failed("192.0.2.1", now: start + .minutes(10)) == (.milliseconds(250), false))
        throttle.succeeded("192.0.2.1", now: start + .minutes(10))
        #expect(throttle.failed("192.0.2.1", now: start + .minutes(10)).delay == .milliseconds(250))
    }

    @Test("an address that a right key came from is slowed, and not refused")
    func trusted() {
        var throttle = WrongKeyThrottle()
        throttle.succeeded("192.0.2.1", now: start)
        for _ in 0..<50 { #expect(!throttle.failed("192.0.2.1", now: start).isRefused) }
        #expect(throttle.failed("192.0.2.1", now: start).delay == .seconds(4))
        #expect(throttle.admit("192.0.2.1", now: start) == .ask)
        // A day later it is like any other.
        let later = start + .hours(25)
        for _ in 0..<9 { _ = throttle.failed("192.0.2.1", now: later) }
        #expect(throttle.failed("192.0.2.1", now: later).isRefused)
    }

    @Test("IPv6 counts by its first 64 bits, IPv4 in IPv6 form as a whole")
    func networks() {
        var throttle = WrongKeyThrottle()
        for number in 1...10 { _ = throttle.failed("2001:db8:1:2::\(number)", now: start) }
        #expect(throttle.admit("2001:db8:1:2:ffff::1", now: start) != .ask)
        #expect(throttle.admit("2001:db8:1:3::1", now: start) == .ask)
        for _ in 1...10 { _ = throttle.failed("::ffff:192.0.2.1", now: start) }
        #expect(throttle.admit("::ffff:192.0.2.1", now: start) != .ask)
        #expect(throttle.admit("::ffff:192.0.2.2", now: start) == .ask)
    }

    @Test("a million addresses cost no more memory than ten thousand, and the newest are remembered")
    func bounded() {
        var throttle = WrongKeyThrottle()
        for number in 0..<60_000 {
            let address = "10.\(number >> 16).\(number >> 8 & 255).\(number & 255)"
            for _ in 0..<(number == 59_999 ? 10 : 1) {
                _ = throttle.failed(address, now: start + .milliseconds(Int64(number)))
            }
        }
        let count = Mirror(reflecting: throttle).children.compactMap { $0.value as? any Collection }.first?.count
        #expect(count.map { $0 <= WrongKeyThrottle.maximumAddresses } == true)
        #expect(throttle.admit("10.0.234.95", now: start + .seconds(60)) != .ask)
    }

    @Test("the answer to a wrong key is held back, that to a right one and to a server's fault is not")
    func authorizer() throws {
        let loop = EmbeddedEventLoop()
        let base = ScriptedAuthorizer()
        let authorizer = ThrottlingPublishAuthorizer(base, metrics: NOOPMetricsHandler.instance, logger: Log().logger)
        let request = PublishRequest(app: "live", streamKey: Secret("k"), peerAddress: "192.0.2.1")
        let stream = try #require(StreamID("main"))
        let answered = Mutex(0)
        func ask(_ decision: PublishDecision) -> EventLoopFuture<PublishDecision> {
            base.decision.withLock { $0 = decision }
            let future = authorizer.authorize(request, on: loop)
            future.whenComplete { _ in answered.withLock { $0 += 1 } }
            loop.run()
            return future
        }
        _ = ask(.deny(PublishRefusal(reason: "wrong")))
        #expect(answered.withLock { $0 } == 0)
        loop.advanceTime(by: .milliseconds(250))
        #expect(answered.withLock { $0 } == 1)
        _ = ask(.deny(PublishRefusal(.badName, reason: "could not check")))
        #expect(answered.withLock { $0 } == 2)
        _ = ask(.allow(PublishGrant(stream)))
        #expect(answered.withLock { $0 } == 3 && base.asked.withLock { $0 } == 3)
    }

    private final class ScriptedAuthorizer: PublishAuthorizer {
        let decision = Mutex(PublishDecision.deny(PublishRefusal(reason: "")))
        let asked = Mutex(0)

        func authorize(_ request: PublishRequest, on eventLoop: any EventLoop) -> EventLoopFuture<PublishDecision> {
            asked.withLock { $0 += 1 }
            return eventLoop.makeSucceededFuture(decision.withLock { $0 })
        }
    }
}
