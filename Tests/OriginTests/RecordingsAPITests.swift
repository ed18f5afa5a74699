import Foundation
import Logging
import NIOHTTP1
import Recordings
import TestSupport
import Testing

@testable import Origin

/// `/api/v1/recordings`.
@Suite("API of recordings")
struct RecordingsAPITests {
    private let fields = [Recorded.authorization]

    private func recording(
        _ letter: Character,
        stream: String = "main",
        at seconds: Int,
        state: String = "ready"
    ) -> RecordedFolder {
        var recording = RecordedFolder()
        recording.id = String(repeating: letter, count: 20)
        recording.stream = stream
        recording.startedAt = 1_790_000_000_000 + 1000 * seconds
        recording.state = state
        recording.segments = [RecordedFolder.Segment(Array(repeating: 7, count: 100), seconds: 2.002)]
        return recording
    }

    private func list(_ router: Router, _ query: String = "") throws -> (ids: [Character], next: String?) {
        let document = try JSONValue(
            parsing: WireResponse(router.consult(.GET, "/api/v1/recordings\(query)", fields)).body
        )
        let ids = document["recordings"]?.elements.compactMap { $0["id"]?.string?.first }
        return (ids ?? [], document["next"]?.string)
    }

    @Test("a recording is told with its times, gaps, sizes and addresses")
    func document() throws {
        var recording = recording("a", at: 0)
        recording.title = "Lesson 7"
        recording.gaps = #"[{"cause":"encoder","start":1001000000,"duration":0,"missing":12500}]"#
        let recorded = try Recorded(recording)
        try recorded.folder.write("recordings/\(recording.id)/poster.jpg", "JPEG")
        let answer = WireResponse(recorded.router().consult(.GET, "/api/v1/recordings/\(recording.id)", fields))
        #expect(answer.status == 200 && answer["Cache-Control"] == "no-store")
        let expected = """
            {"id":"aaaaaaaaaaaaaaaaaaaa","stream":"main","title":"Lesson 7","source":"live","state":"ready",\
            "startedAt":"2026-09-21T14:13:20.000Z","endedAt":"2026-09-21T14:13:22.002Z","duration":2.002,"byteCount":100,\
            "kept":false,"gaps":[{"cause":"encoder","start":1.001,"duration":0,"missing":12.5}],"cut":null,\
            "playlist":"/vod/aaaaaaaaaaaaaaaaaaaa/index.m3u8","download":"/vod/aaaaaaaaaaaaaaaaaaaa/download.mp4",\
            "page":"/recordings/aaaaaaaaaaaaaaaaaaaa",\
            "poster":"/vod/aaaaaaaaaaaaaaaaaaaa/poster.jpg","storyboard":null}

            """
        #expect(answer.text == expected)
    }

    @Test("the list has the newest first, in pages that hold while recordings come and go")
    func pages() throws {
        let recorded = try Recorded(
            recording("a", at: 10),
            recording("b", at: 20),
            recording("c", stream: "other", at: 30),
            recording("d", at: 20),
            recording("e", at: 5, state: "recording")
        )
        let router = recorded.router()
        #expect(try list(router).ids == ["c", "d", "b", "a", "e"])
        #expect(try list(router).next == nil)
        #expect(try list(router, "?stream=main").ids == ["d", "b", "a", "e"])
        #expect(try list(router, "?stream=nobody").ids.isEmpty)
        let first = try list(router, "?stream=main&limit=2")
        #expect(first.ids == ["d", "b"])
        let next = try #require(first.next)
        recorded.catalog.delete(try #require(RecordingID(String(repeating: "b", count: 20))))
        let second = try list(router, "?stream=main&limit=2&before=\(next)")
        #expect(second.ids == ["a", "e"] && second.next == nil)
        for query in [
            "limit=0", "limit=501", "limit=x", "before=x", "before=1.x", "stream=", "limit=1&limit=2", "page=2",
        ] {
            let answer = WireResponse(router.consult(.GET, "/api/v1/recordings?\(query)", fields))
            #expect(answer.status == 400 && answer["Content-Type"] == "application/problem+json")
            #expect(answer.text.contains("The parameter '\(query.prefix { $0 != "=" })' "))
        }
    }

    @Test("a title and whether it is kept are changed, and stay so")
    func changes() throws {
        let recorded = try Recorded(recording("a", at: 0), recording("e", at: 5, state: "recording"))
        let router = recorded.router()
        for letter in ["a", "e"] {
            let path = "/api/v1/recordings/\(String(repeating: letter, count: 20))"
            let body = #"{"title":" Über \"Ströme\" 🎥 ","kept":true}"#
            let answer = WireResponse(router.consult(.PATCH, path, fields, body: body))
            #expect(answer.status == 200)
            let document = try JSONValue(parsing: answer.body)
            #expect(document["title"]?.string == "Über \"Ströme\" 🎥" && document["kept"] == .bool(true))
            let kept = try JSONValue(
                parsing: WireResponse(router.consult(.PATCH, path, fields, body: #"{"kept":false}"#)).body
            )
            #expect(kept["title"]?.string == "Über \"Ströme\" 🎥" && kept["kept"] == .bool(false))
            #expect(router.consult(.PATCH, path, fields, body: "{}").status == .ok)
        }
        let again = try RecordingCatalog(
            directory: recorded.folder.file("recordings"),
            storage: recorded.storage,
            randomBytes: { Array(repeating: 7, count: $0) },
            logger: .init(label: "test")
        )
        #expect(again.all.map(\.facts.title) == Array(repeating: "Über \"Ströme\" 🎥", count: again.all.count))
    }

    @Test("a recording is deleted once, but not while it is being made")
    func deletion() throws {
        let recorded = try Recorded(recording("a", at: 0), recording("e", at: 5, state: "recording"))
        let router = recorded.router()
        let (ready, running) = ("/api/v1/recordings/aaaaaaaaaaaaaaaaaaaa", "/api/v1/recordings/eeeeeeeeeeeeeeeeeeee")
        let conflict = WireResponse(router.consult(.DELETE, running, fields))
        #expect(conflict.status == 409 && conflict.text.contains("end the live of main first"))
        #expect(router.consult(.DELETE, ready, fields).status == .noContent)
        #expect(router.consult(.DELETE, ready, fields).status == .notFound)
        #expect(router.consult(.GET, ready, fields).status == .notFound)
        #expect(router.consult(.PATCH, ready, fields, body: "{}").status == .notFound)
        #expect(
            !FileManager.default.fileExists(
                atPath: recorded.folder.file("recordings/aaaaaaaaaaaaaaaaaaaa/recording.json")
            )
        )
        #expect(try list(router).ids == ["e"])
    }

    @Test("nothing is told or done without the token, and only what the resource has")
    func access() throws {
        let recorded = try Recorded(recording("a", at: 0))
        let router = recorded.router()
        for target in [
            "/api/v1/recordings", "/api/v1/recordings/aaaaaaaaaaaaaaaaaaaa", "/api/v1/recordings/zzzzzzzzzzzzzzzzzzzz",
        ] {
            for fields in [[], [("Authorization", "Bearer wrong")]] {
                #expect(router.consult(.GET, target, fields).status == .unauthorized)
            }
        }
        let path = "/api/v1/recordings/aaaaaaaaaaaaaaaaaaaa"
        #expect(router.consult(.DELETE, path).status == .unauthorized)
        #expect(router.consult(.PATCH, path, body: #"{"kept":true}"#).status == .unauthorized)
        #expect(recorded.catalog.all.count == 1 && recorded.catalog.all.first?.facts.isKept == false)
        #expect(router.consult(.PUT, path, fields).status == .methodNotAllowed)
        #expect(WireResponse(router.consult(.OPTIONS, path))["Allow"] == "GET, HEAD, PATCH, DELETE, OPTIONS")
        #expect(router.consult(.DELETE, "/api/v1/recordings", fields).status == .methodNotAllowed)
        #expect(router.consult(.GET, path + "/", fields).status == .notFound)
        #expect(Fixture().router().consult(.GET, "/vod/aaaaaaaaaaaaaaaaaaaa/index.m3u8").status == .notFound)
    }
}
