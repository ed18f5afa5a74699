import HTTPTypes
import Testing

@testable import Kernel

@Suite("Lists and versions")
struct ListTests {
    let platform: SamplePlatform
    let reader = SamplePlatform.bearer(SamplePlatform.adaReader)
    let writer = SamplePlatform.bearer(SamplePlatform.adaWriter)

    init() throws { platform = try SamplePlatform() }

    private func ids(_ answer: Answer) -> [String] {
        guard case .array(let notes)? = answer.json["data"] else { return [] }
        return notes.compactMap { $0["id"]?.text }
    }

    private func link(_ answer: Answer, _ relation: String) -> String? {
        answer.field("Link")?.split(separator: ",").first { $0.contains("rel=\"\(relation)\"") }
            .flatMap { $0.split(separator: "<").last?.split(separator: ">").first }.map(String.init)
    }

    @Test("cursors lead through a list and back, and Link keeps the limit")
    func walk() async throws {
        let first = await platform.send(.get, "/api/v1/notes?limit=2", [reader])
        #expect(ids(first) == ["1", "2"])
        #expect(link(first, "prev") == nil)
        let second = await platform.send(.get, try #require(link(first, "next")), [reader])
        #expect(ids(second) == ["3", "4"])
        let third = await platform.send(.get, try #require(link(second, "next")), [reader])
        #expect(ids(third) == ["5"])
        #expect(third.json["next"] == .null)
        let back = await platform.send(.get, try #require(link(third, "prev")), [reader])
        #expect(ids(back) == ["3", "4"])
        let start = await platform.send(.get, try #require(link(back, "prev")), [reader])
        #expect(ids(start) == ["1", "2"])
        #expect(link(start, "prev") == nil)
    }

    @Test("a cursor that was changed, made up or made for another list is 400")
    func tampered() async throws {
        let first = await platform.send(.get, "/api/v1/notes?limit=2", [reader])
        let cursor = try #require(first.json["next"]?.text)
        let other = CursorSigner(key: [1, 2, 3]).text(of: Cursor(id: 2), list: "listNotes")
        let last = cursor.last == "A" ? "B" : "A"
        for text in [String(cursor.dropLast()), cursor.dropLast() + last, "A" + cursor, other, "x", "%00", "MQ"] {
            let answer = await platform.send(.get, "/api/v1/notes?cursor=\(text)", [reader])
            #expect(answer.status == (text == "%00" ? 422 : 400), "\(text)")
        }
    }

    @Test(
        "the cursor of one list is not that of another, whatever the key",
        arguments: ["", "2026-01-01T00:00:00Z", "a,b", "né"]
    )
    func signer(sortKey: String) {
        let signer = CursorSigner(key: SamplePlatform.secret)
        let cursor = Cursor(sortKey: sortKey, id: .min, direction: .previous)
        let text = signer.text(of: cursor, list: "a")
        #expect(signer.cursor(text, list: "a") == cursor)
        #expect(signer.cursor(text, list: "b") == nil)
    }

    @Test("who has the version already is told so, and nothing more")
    func notModified() async throws {
        let first = await platform.send(.get, "/api/v1/notes/1")
        let tag = try #require(first.field("ETag"))
        for value in [tag, "W/\(tag)", "\"x\", \(tag)", "*"] {
            let answer = await platform.send(.get, "/api/v1/notes/1", [("If-None-Match", value)])
            #expect(answer.status == 304)
            #expect(answer.bytes.isEmpty && answer.field("Content-Length") == nil)
            #expect(answer.field("ETag") == tag)
        }
        #expect(await platform.send(.get, "/api/v1/notes/1", [("If-None-Match", "\"x\"")]).status == 200)
        #expect(await platform.send(.get, "/api/v1/notes/2").field("ETag") != tag)
    }

    @Test(
        "a change must name the version it was made for",
        arguments: [
            (nil, 428), ("\"v2\"", 412), ("\"v3\"", 200), ("*", 200), ("W/\"v3\"", 412), ("v3", 400),
            ("\"v1\", \"v3\"", 200), ("\"", 400), ("", 400),
        ] as [(String?, Int)]
    )
    func ifMatch(value: String?, status: Int) async {
        let fields = [writer, SamplePlatform.json] + (value.map { [("If-Match", $0)] } ?? [])
        let answer = await platform.send(.patch, "/api/v1/notes/1", fields, body: #"{"title":"a"}"#)
        #expect(answer.status == status)
        if status == 200 { #expect(answer.field("ETag") == "\"v4\"") }
        if status == 412 { #expect(answer.field("ETag") == "\"v3\"") }
    }
}
