import FoundationEssentials
import HTTPTypes
import Logging
import PlatformTestSupport
import Postgres
import Testing

@testable import Kernel

@Suite("Limits")
struct RateLimitTests {
    let start = Date(timeIntervalSince1970: 1_800_000_000)
    let limit = RateLimitClass("test", capacity: 3, window: 30)

    @Test("a bucket gives its capacity at once and wins back one use at a time")
    func bucket() {
        var bucket = TokenBucket(full: limit, at: start)
        #expect((0..<4).map { _ in bucket.take(limit, now: start).isAllowed } == [true, true, true, false])
        let refused = bucket.take(limit, now: start + 4)
        #expect(refused == RateLimitVerdict(isAllowed: false, limit: 3, remaining: 0, retryAfter: 6, reset: 26))
        #expect(bucket.take(limit, now: start + 10).isAllowed)
        #expect(!bucket.take(limit, now: start + 11).isAllowed)
        #expect(bucket.take(limit, now: start + 1000).remaining == 2)
    }

    @Test("a clock that is set back gives nothing away")
    func clockBack() {
        var bucket = TokenBucket(full: limit, at: start)
        for _ in 0..<3 { _ = bucket.take(limit, now: start) }
        #expect(!bucket.take(limit, now: start - 3600).isAllowed)
        #expect(!bucket.take(limit, now: start).isAllowed)
    }

    @Test("buckets in memory stay within their number, and then limits that must hold do")
    func crowded() {
        let buckets = MemoryBuckets(maximumCount: 2)
        let strict = RateLimitClass("strict", capacity: 1, window: 30, failsClosed: true)
        _ = buckets.take(limit, key: "a", now: start)
        _ = buckets.take(limit, key: "b", now: start)
        #expect(buckets.take(limit, key: "c", now: start).isAllowed)
        #expect(!buckets.take(strict, key: "d", now: start).isAllowed)
        #expect(buckets.take(strict, key: "d", now: start + 60).isAllowed)
        #expect(!buckets.take(strict, key: "d", now: start + 60).isAllowed)
    }

    @Test(
        "addresses stand for networks",
        arguments: [
            ("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:0:1:2:3:4:5", "20:1:d:b8:0:0:0:1/64"),
            ("2001:db8::1:0:0:0:9", "20:1:d:b8:0:0:0:1/64"), ("fe80::1%eth0", "fe:80:0:0:0:0:0:0/64"),
            ("nonsense", "unknown"), ("", "unknown"),
        ]
    )
    func networks(address: String, name: String) {
        #expect(PeerNetwork.name(of: address) == name)
    }

    @Test("sign-in is refused after 25 times from one network, and by name of the class in the answer")
    func signIn() async throws {
        let platform = try SamplePlatform()
        func send(_ peer: String) async -> Answer {
            await platform.send(.post, "/api/v1/sign-in", [SamplePlatform.json], body: #"{"title":"a"}"#, peer: peer)
        }
        for number in 0..<25 {
            let answer = await send("2001:db8::\(String(number + 1, radix: 16))")
            #expect(answer.status == 204)
            #expect(answer.field("RateLimit-Remaining") == String(24 - number))
        }
        let refused = await send("2001:db8::ffff")
        #expect(refused.status == 429)
        #expect(refused.code == "rate_limited")
        #expect(refused.field("Retry-After") == "12")
        #expect(refused.field("RateLimit-Limit") == "25")
        #expect(await send("2001:db8:0:1::1").status == 204)
        platform.clock.advance(12)
        #expect(await send("2001:db8::1").status == 204)
    }

    @Test("visitors of one address are counted together, an account on its own, and guessed tokens too")
    func general() async throws {
        let platform = try SamplePlatform()
        let guess = SamplePlatform.bearer("pat_guess_00000000000000000000")
        for _ in 0..<150 { _ = await platform.send(.get, "/api/v1/notes", [guess]) }
        for _ in 0..<150 { _ = await platform.send(.get, "/form") }
        #expect(await platform.send(.get, "/form").status == 429)
        #expect(await platform.send(.get, "/api/v1/notes", [guess]).status == 429)
        #expect(await platform.send(.get, "/form", peer: "192.0.2.2").status == 200)
        #expect(
            await platform.send(.get, "/form", [("Cookie", "__Host-sid=\(SamplePlatform.adaSession)")]).status == 200
        )
    }

    struct Broken: SharedBuckets {
        func take(_ limit: RateLimitClass, key: String, now: Date) async throws -> RateLimitVerdict {
            throw DatabaseError.unavailable("test")
        }
    }

    @Test("when nobody can count, sign-in is refused and reading goes on")
    func failure() async throws {
        let platform = try SamplePlatform(shared: Broken())
        let answer = await platform.send(.post, "/api/v1/sign-in", [SamplePlatform.json], body: #"{"title":"a"}"#)
        #expect(answer.status == 503)
        #expect(answer.field("Retry-After") == "5")
        #expect(await platform.send(.get, "/form").status == 200)
    }
}

@Suite("Limits that servers share")
struct SharedLimitTests {
    let limit = RateLimitClass("test", capacity: 10, window: 36_000, isShared: true, failsClosed: true)

    @Test("two servers let no more through than one, and the numbers are those of one bucket")
    func twoServers() async throws {
        let test = try await TestDatabase.make(migrations: [KernelMigrations.all])
        let servers = [PostgresBuckets(test.database), PostgresBuckets(test.connect())]
        let limit = limit
        let verdicts = try await withThrowingTaskGroup(of: RateLimitVerdict.self) { group in
            for number in 0..<40 {
                group.addTask { try await servers[number % 2].take(limit, key: "ada@example.org", now: Date()) }
            }
            return try await group.reduce(into: [RateLimitVerdict]()) { $0.append($1) }
        }
        #expect(verdicts.filter(\.isAllowed).map(\.remaining).sorted() == Array(0...9))
        let refused = try #require(verdicts.first { !$0.isAllowed })
        #expect((3500...3600).contains(refused.retryAfter))
        #expect(try await servers[0].take(limit, key: "bob@example.org", now: Date()).remaining == 9)
    }

    @Test("what was refused does not cost, and what comes back is given out once")
    func refill() async throws {
        let test = try await TestDatabase.make(migrations: [KernelMigrations.all])
        let buckets = PostgresBuckets(test.database)
        for _ in 0..<15 { _ = try await buckets.take(limit, key: "a", now: Date()) }
        // An hour later, as far as the row knows.
        try await test.database.run { try $0.execute("UPDATE rate_bucket SET at = at - interval '3600 s'") }
        #expect(try await buckets.take(limit, key: "a", now: Date()).isAllowed)
        #expect(try await !buckets.take(limit, key: "a", now: Date()).isAllowed)
    }

    @Test("the table holds no address, and rows of who has everything back go")
    func rows() async throws {
        let test = try await TestDatabase.make(migrations: [KernelMigrations.all])
        let buckets = PostgresBuckets(test.database)
        _ = try await buckets.take(limit, key: "ada@example.org", now: Date())
        let keys = try await test.database.run {
            try $0.query("SELECT key FROM rate_bucket") { try $0.get("key", as: String.self) }
        }
        #expect(keys.count == 1 && keys[0].hasPrefix("test:") && !keys[0].contains("ada"))
        #expect(try await buckets.removeFull(now: Date()) == 0)
        #expect(try await buckets.removeFull(now: Date() + 3601) == 1)
    }
}
