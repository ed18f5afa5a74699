internal import Foundation

/// A private authority and the certificates that it gives out, made by openssl.
public struct CertificateAuthority: Sendable {
    /// Where its files are.
    public let folder: TemporaryFolder

    /// Makes the authority: `ca.pem` and `ca.key`.
    public init() async throws {
        folder = try TemporaryFolder()
        try await openssl(
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=Test authority",
            "-keyout",
            file("ca.key"),
            "-out",
            file("ca.pem")
        )
    }

    /// The path of a file of the authority.
    public func file(_ name: String) -> String { folder.file(name) }

    /// Writes NAME.pem and NAME.key for localhost.
    public func issue(_ name: String, serial: Int) async throws {
        try await openssl(
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            "/CN=localhost",
            "-keyout",
            file("\(name).key"),
            "-out",
            file("\(name).csr")
        )
        try "subjectAltName=DNS:localhost,IP:127.0.0.1\n".write(
            toFile: file("san"),
            atomically: true,
            encoding: .utf8
        )
        try await openssl(
            "x509",
            "-req",
            "-in",
            file("\(name).csr"),
            "-CA",
            file("ca.pem"),
            "-CAkey",
            file("ca.key"),
            "-set_serial",
            "\(serial)",
            "-days",
            "1",
            "-extfile",
            file("san"),
            "-out",
            file("\(name).pem")
        )
    }

    /// Puts one certificate in the place of another, as renewal tools do.
    public func install(_ name: String, as place: String) throws {
        for ending in ["pem", "key"] {
            let temporary = file("\(place).\(ending).new")
            try? FileManager.default.removeItem(atPath: temporary)
            try FileManager.default.copyItem(atPath: file("\(name).\(ending)"), toPath: temporary)
            guard rename(temporary, file("\(place).\(ending)")) == 0 else { throw CocoaError(.fileWriteUnknown) }
        }
    }

    private func openssl(_ arguments: String...) async throws { try await Tool.check("openssl", arguments) }
}
