import MediaCore
import Testing

@Suite("Secret")
struct SecretTests {
    private let request = PublishRequest(app: "live", streamKey: Secret("hunter2"), peerAddress: "192.0.2.1")

    @Test("a secret shows itself to nobody who prints what holds it")
    func redacted() {
        var dumped = ""
        dump(request, to: &dumped)
        for text in ["\(request.streamKey)", "\(request)", String(reflecting: request), dumped] {
            #expect(!text.contains("hunter2"), "\(text)")
        }
    }

    @Test("the text is there for the place that checks it")
    func revealed() {
        #expect(request.streamKey.revealed == "hunter2")
    }
}
