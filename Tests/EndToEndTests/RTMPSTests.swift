import Foundation
import TestSupport
import Testing

/// RTMP over TLS with real clients.
@Suite("RTMPS", .serialized)
struct RTMPSTests {
    private func server(_ authority: CertificateAuthority) async throws -> ServerProcess {
        try await ServerProcess.start(environment: [
            "LYCEUM_RTMPS_PORT": "0", "LYCEUM_TLS_CERT": authority.file("live.pem"),
            "LYCEUM_TLS_KEY": authority.file("live.key"), "LYCEUM_PUBLISH": "open",
        ])
    }

    /// The serial number of the certificate that a port shows.
    private func serial(port: Int) async throws -> String {
        let script = "openssl s_client -connect 127.0.0.1:\(port) </dev/null 2>/dev/null | openssl x509 -noout -serial"
        return try await Tool.check("bash", ["-c", script]).text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test("ffmpeg publishes over TLS; the certificate is replaced meanwhile, and the publish goes on")
    func publishAndReplace() async throws {
        let authority = try await CertificateAuthority()
        try await authority.issue("one", serial: 0x11)
        try await authority.issue("two", serial: 0x22)
        try authority.install("one", as: "live")
        let server = try await server(authority)
        let port = try #require(server.rtmpsPort)
        #expect(server.output.text.contains("rtmps://localhost:\(port)/live"))
        #expect(try await serial(port: port) == "serial=11")

        let publisher = try FFmpegPublisher(.test(), to: "rtmps://localhost:\(port)/live/secure")
        let viewer = LiveViewer(server, stream: "secure")
        try await viewer.watch(within: .seconds(30)) { _, segments in segments.count >= 2 }
        try authority.install("two", as: "live")
        server.hangUp()
        _ = try await server.log.line(containing: "certificate replaced")
        #expect(try await serial(port: port) == "serial=22")

        // A key that is not the certificate's is not taken up, and what there is stays.
        try authority.install("one", as: "other")
        try FileManager.default.removeItem(atPath: authority.file("live.key"))
        try FileManager.default.copyItem(atPath: authority.file("one.key"), toPath: authority.file("live.key"))
        server.hangUp()
        _ = try await server.log.line(containing: "certificate not replaced")
        #expect(try await serial(port: port) == "serial=22")

        let seen = await viewer.segments.count
        try await viewer.watch(within: .seconds(30)) { _, segments in segments.count >= seen + 1 }
        publisher.interrupt()
        try await viewer.watchToEnd()
        try await publisher.waitForExit()
        #expect(await viewer.follower.discontinuityCount == 0)
    }

    @Test("each client on the wrong port is told apart in the log")
    func wrongPort() async throws {
        let authority = try await CertificateAuthority()
        try await authority.issue("live", serial: 1)
        let server = try await server(authority)
        let secure = try #require(server.rtmpsPort)
        let cases: [(Int, [UInt8], String)] = [
            (server.rtmpPort, [0x16, 3, 1, 2, 0], "the peer speaks TLS"),
            (server.rtmpPort, Array("GET / HTTP/1.1\r\n".utf8), "the peer speaks HTTP"),
            (secure, RTMPBytes.handshake, "the peer speaks plain RTMP (rtmp://), this port takes RTMP over TLS"),
            (secure, Array("GET / HTTP/1.1\r\n".utf8), "the peer speaks HTTP, this port takes RTMP over TLS"),
            (secure, [0x80, 0x2E, 1], "the peer's first byte is 128"),
        ]
        for (port, bytes, words) in cases {
            let peer = try await TCPPeer.connect(port: port)
            peer.send(bytes)
            try await peer.waitUntilClosed(within: .seconds(5))
            _ = try await server.log.line(containing: words)
        }
        // One that does not trust the certificate hangs up in the handshake.
        let output = try await Tool.run(
            "ffmpeg",
            [
                "-hide_banner", "-nostdin", "-f", "lavfi", "-i", "testsrc2=duration=1", "-f", "flv", "-tls_verify", "1",
                "rtmps://localhost:\(secure)/live/x",
            ]
        )
        #expect(output.exit != .status(0))
        _ = try await server.log.line(containing: "perhaps it does not trust the certificate")
    }

    @Test("a silent peer on the TLS port is not held longer than the handshake may take, nor one that stops half way")
    func silentPeers() async throws {
        let authority = try await CertificateAuthority()
        try await authority.issue("live", serial: 1)
        let server = try await server(authority)
        let port = try #require(server.rtmpsPort)
        let silent = try await TCPPeer.connect(port: port)
        let halfWay = try await TCPPeer.connect(port: port)
        halfWay.send([0x16, 3, 1, 0, 200, 1])
        try await silent.waitUntilClosed(within: .seconds(15))
        try await halfWay.waitUntilClosed(within: .seconds(15))
    }

    @Test(
        "a certificate that cannot be used is named at start",
        arguments: ["missing", "mismatch", "encrypted", "empty"]
    )
    func unusable(_ problem: String) async throws {
        let authority = try await CertificateAuthority()
        try await authority.issue("live", serial: 1)
        try await authority.issue("other", serial: 2)
        var environment = [
            "LYCEUM_RTMPS_PORT": "0", "LYCEUM_TLS_CERT": authority.file("live.pem"),
            "LYCEUM_TLS_KEY": authority.file("live.key"), "LYCEUM_DATA_DIR": authority.folder.path,
        ]
        switch problem {
        case "missing": environment["LYCEUM_TLS_CERT"] = authority.file("none.pem")
        case "mismatch": environment["LYCEUM_TLS_KEY"] = authority.file("other.key")
        case "encrypted":
            try await Tool.check(
                "openssl",
                [
                    "ec", "-aes128", "-passout", "pass:secret", "-in", authority.file("live.key"), "-out",
                    authority.file("encrypted.key"),
                ]
            )
            environment["LYCEUM_TLS_KEY"] = authority.file("encrypted.key")
        default: environment["LYCEUM_TLS_KEY"] = ""
        }
        let output = try await Tool.run(ServerProcess.binary, ["serve"], environment: environment)
        #expect(output.exit == .status(64))
        #expect(output.standardError.contains("LYCEUM_TLS_"), "\(output.standardError)")
    }
}
