import TestSupport
import Testing

/// An encoder that comes back while the server still holds its last connection.
@Suite("Takeover", .serialized)
struct TakeoverTests {
    @Test("50 encoders each take over from a half-open connection in under a second")
    func fiftyTakeovers() async throws {
        let server = try await ServerProcess.start(environment: ["LYCEUM_PUBLISH": "open"])
        let clock = ContinuousClock()
        var times: [Duration] = []
        for number in 0..<50 {
            let key = "show-\(number)"
            let halfOpen = try await publisher(of: key, on: server)
            let start = clock.now
            let back = try await publisher(of: key, on: server)
            times.append(clock.now - start)
            try await halfOpen.waitUntilClosed(within: .seconds(5))
            #expect(text(halfOpen).contains("another encoder has taken this stream over"))
            #expect(!back.isClosed)
        }
        times.sort()
        print("takeover, from connect to Publish.Start: median \(times[25]), longest \(times[49])")
        #expect(times[49] < .seconds(1))
    }

    /// A connection that has got NetStream.Publish.Start.
    private func publisher(of key: String, on server: ServerProcess) async throws -> TCPPeer {
        let peer = try await TCPPeer.connect(port: server.rtmpPort)
        peer.send(RTMPBytes.handshake + RTMPBytes.connect() + RTMPBytes.publish(key))
        try await peer.wait(within: .seconds(5)) { String(decoding: $0, as: UTF8.self).contains("Publish.Start") }
        return peer
    }

    private func text(_ peer: TCPPeer) -> String { String(decoding: peer.received, as: UTF8.self) }
}
