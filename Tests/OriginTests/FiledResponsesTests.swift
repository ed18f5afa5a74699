import LiveStore
import NIOCore
import NIOHTTP1
import Storage
import Synchronization
import Testing

@testable import Origin

/// What the router makes of segments on disk.
@Suite("Responses from the disk")
struct FiledResponsesTests {
    private let encryption = SegmentEncryption(.beside, secret: Array("0123456789abcdef".utf8), keySeconds: 8)

    private func response(
        _ router: Router,
        _ target: String,
        _ fields: [(String, String)] = [],
        method: HTTPMethod = .GET
    ) -> Response { router.answer(method, target, fields).response }

    private func content(_ response: Response) throws -> ByteBuffer? {
        #expect(response.pieces.isEmpty, "all of it lies on disk")
        return try response.file.map { try $0.read(0..<$0.length) }
    }

    private func outcome(_ router: Router, _ target: String) -> Router.Outcome {
        let headers = HTTPHeaders([("Host", "example.org")])
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: target, headers: headers)
        return router.outcome(of: head, from: "192.0.2.1")
    }

    private func load(_ router: Router, _ target: String) -> Router.Load? {
        guard case .load(let load, _) = outcome(router, target) else { return nil }
        return load
    }

    private func loaded(_ load: Router.Load, in segments: LoadedSegments, by reader: DiskReader) async -> Router.Loaded
    {
        await withCheckedContinuation { continuation in
            if !segments.load(load, by: reader, { continuation.resume(returning: $0) }) {
                continuation.resume(returning: .failed)
            }
        }
    }

    @Test("a segment on disk has the fields of one in memory, and its bytes")
    func whole() async throws {
        let live = try await FiledLive(5000)
        let router = live.router()
        let answer = response(router, "/live/main/t1-100.m4s")
        let (filed, stored) = (WireResponse(answer), router.get("/live/main/\(live.heldName)"))
        #expect(filed.status == 200)
        #expect(filed.fields.map(\.name) == stored.fields.map(\.name))
        for name in ["Content-Type", "Cache-Control", "Accept-Ranges", "Access-Control-Allow-Origin"] {
            #expect(filed[name] == stored[name] && filed[name] != nil)
        }
        #expect(filed["Content-Length"] == "5000" && filed["ETag"] == "\"t1-100.m4s\"")
        #expect(try content(answer) == FiledLive.body(100, 5000))
        #expect(answer.byteCount == 5000, "which the audience is counted by")
        let head = response(router, "/live/main/t1-100.m4s", method: .HEAD)
        #expect(head.file == nil && head.byteCount == 0 && WireResponse(head)["Content-Length"] == "5000")
        #expect(router.get("/live/main/t1-102.m4s").status == 404)
        #expect(router.get("/live/other/t1-100.m4s").status == 404)
        await live.storage.shutDown()
    }

    @Test(
        "a range is answered with its bytes",
        arguments: [
            ("bytes=0-0", 0..<1), ("bytes=100-199", 100..<200), ("bytes=-10", 4990..<5000),
            ("bytes=4000-", 4000..<5000), ("bytes=10-99999", 10..<5000),
        ]
    )
    func ranges(field: String, range: Range<Int>) async throws {
        let live = try await FiledLive(5000)
        let answer = response(live.router(), "/live/main/t1-100.m4s", [("Range", field)])
        let wire = WireResponse(answer)
        #expect(wire.status == 206 && answer.byteCount == range.count)
        #expect(wire["Content-Length"] == "\(range.count)")
        #expect(wire["Content-Range"] == "bytes \(range.lowerBound)-\(range.upperBound - 1)/5000")
        #expect(try content(answer) == FiledLive.body(100, 5000).getSlice(at: range.lowerBound, length: range.count))
        await live.storage.shutDown()
    }

    @Test("conditions hold as for segments in memory")
    func conditions() async throws {
        let live = try await FiledLive(5000)
        let router = live.router()
        let path = "/live/main/t1-100.m4s"
        let unchanged = response(router, path, [("If-None-Match", "W/\"t1-100.m4s\""), ("Range", "bytes=0-1")])
        #expect(unchanged.status == .notModified && unchanged.file == nil)
        #expect(WireResponse(unchanged)["Cache-Control"]?.contains("immutable") == true)
        #expect(response(router, path, [("If-None-Match", "\"other\"")]).status == .ok)
        #expect(response(router, path, [("Range", "bytes=0-1"), ("If-Range", "\"other\"")]).status == .ok)
        #expect(response(router, path, [("Range", "bytes=0-1"), ("If-Range", "\"t1-100.m4s\"")]).byteCount == 2)
        let beyond = response(router, path, [("Range", "bytes=5000-")])
        #expect(beyond.status == .rangeNotSatisfiable && WireResponse(beyond)["Content-Range"] == "bytes */5000")
        await live.storage.shutDown()
    }

    @Test("an encrypted segment is loaded once and then made of what was loaded")
    func encrypted() async throws {
        let live = try await FiledLive(5000, 6000)
        let router = live.router(encryption: encryption)
        let path = "/live/main/aes/t1-100.m4s"
        let load = try #require(self.load(router, path))
        _ = await loaded(load, in: router.loadedSegments, by: router.disk)
        let answer = router.get(path)
        let plain = StoredResource(
            kind: .mediaSegment,
            name: "t1-100.m4s",
            body: FiledLive.body(100, 5000),
            entityTag: ""
        )
        let expected = encryption.encrypted(plain, tag: "t1", targetDuration: 4)
        #expect(answer.status == 200 && answer.body == Array(expected.body.readableBytesView))
        #expect(answer["ETag"] == "\"t1-100.m4s-aes\"" && answer["Content-Length"] == "5008")
        #expect(router.get(path, [("Range", "bytes=16-31")]).body == Array(answer.body[16..<32]))
        #expect(router.get("/live/main/aes/t1-101.m4s", [("If-None-Match", "\"t1-101.m4s-aes\"")]).status == 304)
        #expect(router.loadedSegments.byteCount == 10_000, "for a 304 nothing is loaded")
        await live.storage.shutDown()
    }

    @Test("what is kept of loaded segments is bounded, and what was asked for last stays")
    func bounded() async throws {
        let live = try await FiledLive(5000, 5000, 5000, 50_000)
        let router = live.router(encryption: encryption, loaded: LoadedSegments(byteLimit: 25_000))
        func key(_ number: Int) -> String { "main/t1-\(number).m4s" }
        let segments = router.loadedSegments
        for number in [100, 101, 102, 103] {
            if number == 102 { #expect(segments[key(100)] != nil) }
            let load = try #require(self.load(router, "/live/main/aes/t1-\(number).m4s"))
            guard case .segment(let segment) = await loaded(load, in: segments, by: router.disk) else {
                Issue.record("not loaded")
                continue
            }
            #expect(segment.body == FiledLive.body(number, number == 103 ? 50_000 : 5000))
        }
        #expect(segments[key(100)] != nil && segments[key(101)] == nil && segments[key(102)] != nil)
        #expect(segments[key(103)] == nil, "larger than all that is kept")
        #expect(segments.byteCount == 20_000)
        await live.storage.shutDown()
    }

    @Test("those who ask while a segment is read wait for the same read")
    func together() async throws {
        let live = try await FiledLive(5000)
        let router = live.router(encryption: encryption)
        let load = try #require(self.load(router, "/live/main/aes/t1-100.m4s"))
        let segments = await withTaskGroup(of: StoredResource?.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    guard case .segment(let segment) = await loaded(load, in: router.loadedSegments, by: router.disk)
                    else { return nil }
                    return segment
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(segments.count == 50 && segments.allSatisfy { $0?.byteCount == 5000 })
        await live.storage.shutDown()
    }

    @Test("when too many are being read, and when one cannot be read, the reader may try again")
    func refused() async throws {
        let live = try await FiledLive(5000)
        let busy = live.router(encryption: encryption, loaded: LoadedSegments(loadLimit: 0))
        let load = try #require(self.load(busy, "/live/main/aes/t1-100.m4s"))
        #expect(!busy.loadedSegments.load(load, by: busy.disk) { _ in })
        try await live.truncate(to: 100)
        let router = live.router(encryption: encryption)
        guard case .failed = await loaded(load, in: router.loadedSegments, by: router.disk) else {
            Issue.record("read beyond the end")
            return
        }
        guard case .load(_, let again) = outcome(router, "/live/main/aes/t1-100.m4s"),
            case .answer(let answer) = again(.failed)
        else {
            Issue.record("asked for again")
            return
        }
        #expect(answer.response.status == .serviceUnavailable && WireResponse(answer.response)["Retry-After"] == "1")
        await live.storage.shutDown()
    }
}
