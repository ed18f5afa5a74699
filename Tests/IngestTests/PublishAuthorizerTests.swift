import MediaCore
import NIOCore
import NIOEmbedded
import Testing

@testable import Ingest

@Suite("PublishAuthorizer")
struct PublishAuthorizerTests {
    private let loop = EmbeddedEventLoop()

    private func decide(_ authorizer: any PublishAuthorizer, _ key: String) throws -> PublishDecision {
        let request = PublishRequest(app: "live", streamKey: Secret(key), peerAddress: "192.0.2.1")
        return try authorizer.authorize(request, on: loop).wait()
    }

    private func denies(_ decision: PublishDecision, saying words: String) -> Bool {
        guard case .deny(let refusal) = decision else { return false }
        return refusal.reason.contains(words)
    }

    @Test("open: the key is the name, and names that are none are refused with the rule")
    func open() throws {
        let authorizer = OpenPublishAuthorizer()
        #expect(try decide(authorizer, "main-1.0_x") == .allow(PublishGrant(try #require(StreamID("main-1.0_x")))))
        for key in ["a b", ".hidden", "../x", "ä", String(repeating: "a", count: 65)] {
            #expect(denies(try decide(authorizer, key), saying: "at most 64"), "\(key)")
        }
    }

}
