import MediaCore
import NIOHTTP1
import TestSupport
import Testing

@testable import Origin

@Suite("Admission of viewers")
struct AdmissionTests {
    @Test("an overloaded server refuses those who begin to watch, and closes; those who watch are answered")
    func overload() throws {
        let fixture = Fixture()
        try fixture.goLive("main")
        var router = fixture.router()
        router.admission = Crowded()
        let refused = router.answer(.GET, "/live/main/index.m3u8")
        #expect(refused.persistence == .close)
        let response = WireResponse(refused.response)
        #expect(response.status == 503)
        #expect(response["Retry-After"] == "5")
        #expect(response["Cache-Control"] == "no-store")
        #expect(response["Access-Control-Allow-Origin"] == "*")
        #expect(response.text == "The server is overloaded and takes no new viewers now.\n")
        for path in ["media.m3u8", "t1-init-0.mp4", "t1-0.m4s"] {
            let served = router.answer(.GET, "/live/main/\(path)")
            #expect(WireResponse(served.response).status == 200)
            #expect(served.persistence == .keepAlive)
        }
        #expect(router.get("/watch/main").status == 200)
        #expect(router.get("/vod/abcdefghijkmnpqrstuv/index.m3u8").status == 503)
        #expect(router.get("/vod/abcdefghijkmnpqrstuv/m0.m3u8").status == 404)
    }
}

/// Room for nobody.
private struct Crowded: Admission {
    func admits(_ newcomer: Newcomer) -> Bool { false }
}
