import MediaCore
import NIOHTTP1
import Synchronization
import TestSupport
import Testing

@testable import Origin

@Suite("API of long work")
struct JobsAPITests {
    /// A job that was taken, and what was asked for.
    private final class Desk: JobDirectory, ImportDesk {
        private let requests = Mutex<[ImportRequest]>([])
        private let known = JobStatus(
            id: "a1",
            kind: "import",
            title: "Talk",
            parameters: ["path": "/a.mp4"],
            createdAt: 0
        )
        let isFull: Bool

        init(isFull: Bool = false) { self.isFull = isFull }

        var asked: [ImportRequest] { requests.withLock { $0 } }
        var jobs: [JobStatus] { [known] }

        func job(_ id: String) -> JobStatus? { id == known.id ? known : nil }

        func cancel(_ id: String) -> JobStatus? {
            var job = job(id)
            job?.state = .cancelled
            return job
        }

        func requestImport(_ request: ImportRequest) -> JobStatus? {
            requests.withLock { $0.append(request) }
            return isFull ? nil : known
        }
    }

    private let fields = [Recorded.authorization]

    private func router(_ desk: Desk?) throws -> Router {
        var router = try Recorded().router()
        router.operators?.jobs = desk
        router.operators?.imports = desk
        return router
    }

    @Test("jobs are listed, looked up and cancelled, by operators alone")
    func jobs() throws {
        let router = try router(Desk())
        let list = WireResponse(router.consult(.GET, "/api/v1/jobs", fields))
        #expect(list.status == 200 && list["Cache-Control"] == "no-store")
        let document = """
            {"id":"a1","kind":"import","title":"Talk","parameters":{"path":"/a.mp4"},"state":"waiting","progress":0,\
            "result":null,"error":null,"inputError":false,"remarks":[],"createdAt":"1970-01-01T00:00:00.000Z",\
            "startedAt":null,"endedAt":null}
            """
        #expect(list.text == "{\"jobs\":[\(document)]}\n")
        #expect(WireResponse(router.consult(.GET, "/api/v1/jobs/a1", fields)).text == document + "\n")
        #expect(WireResponse(router.consult(.DELETE, "/api/v1/jobs/a1", fields)).text.contains(#""state":"cancelled""#))
        for (method, path) in [
            (HTTPMethod.GET, "/api/v1/jobs"), (.GET, "/api/v1/jobs/a1"), (.DELETE, "/api/v1/jobs/a1"),
        ] {
            #expect(router.consult(method, path).status == .unauthorized)
        }
        #expect(router.consult(.POST, "/api/v1/imports", body: #"{"path":"/a"}"#).status == .unauthorized)
        #expect(router.consult(.GET, "/api/v1/jobs/b2", fields).status == .notFound)
        #expect(router.consult(.DELETE, "/api/v1/jobs/b2", fields).status == .notFound)
        #expect(router.consult(.GET, "/api/v1/jobs/a-b", fields).status == .notFound)
        #expect(try self.router(nil).consult(.GET, "/api/v1/jobs", fields).status == .notFound)
    }

    @Test("an import is taken with its defaults, and its job is named")
    func accepted() throws {
        let desk = Desk()
        let router = try router(desk)
        let answer = WireResponse(router.consult(.POST, "/api/v1/imports", fields, body: #"{"path":"/srv/a.mp4"}"#))
        #expect(answer.status == 202 && answer["Location"] == "/api/v1/jobs/a1")
        let body = #"{"path":"/srv/a.mp4","stream":"course","title":"Talk","transcode":true}"#
        #expect(router.consult(.POST, "/api/v1/imports", fields, body: body).status == .accepted)
        let (main, course) = (try #require(StreamID("main")), try #require(StreamID("course")))
        #expect(
            desk.asked == [
                ImportRequest(path: "/srv/a.mp4", stream: main),
                ImportRequest(path: "/srv/a.mp4", stream: course, title: "Talk", transcodes: true),
            ]
        )
    }

    @Test(
        "what cannot be imported is refused",
        arguments: [
            ("{}", 422), (#"{"path":"a.mp4"}"#, 422), (#"{"path":"/a","stream":"a/b"}"#, 422),
            (#"{"path":"/a","x":1}"#, 422),
            (#"{"path":7}"#, 422), ("[]", 400), ("path", 400),
        ]
    )
    func refused(_ body: String, _ status: Int) throws {
        let desk = Desk()
        #expect(WireResponse(try router(desk).consult(.POST, "/api/v1/imports", fields, body: body)).status == status)
        #expect(desk.asked.isEmpty)
    }

    @Test("more jobs than may wait are not taken, and imports are not read")
    func full() throws {
        let router = try router(Desk(isFull: true))
        #expect(router.consult(.POST, "/api/v1/imports", fields, body: #"{"path":"/a"}"#).status == .serviceUnavailable)
        let answer = WireResponse(router.consult(.GET, "/api/v1/imports", fields))
        #expect(answer.status == 405 && answer["Allow"] == "POST, OPTIONS")
    }
}
