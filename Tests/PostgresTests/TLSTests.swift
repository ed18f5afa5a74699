import Logging
import PlatformTestSupport
import TestSupport
import Testing

@testable import Postgres

@Suite struct TLSTests {
    /// A server on a TCP port whose certificate is for localhost and 127.0.0.1.
    private func secureServer(_ authority: CertificateAuthority) async throws -> TestCluster {
        try await authority.issue("server", serial: 2)
        let certificate = try authority.folder.read("server.pem")
        let key = try authority.folder.read("server.key")
        return try await TestCluster(
            onTCP: true,
            settings: ["ssl=on", "ssl_cert_file=tls.pem", "ssl_key_file=tls.key"]
        ) { cluster in
            try cluster.writeData("tls.pem", certificate)
            try cluster.writeData("tls.key", key)
        }
    }

    @Test("the server's certificate is looked at as closely as sslmode says")
    func modes() async throws {
        let (authority, stranger) = (try await CertificateAuthority(), try await CertificateAuthority())
        let cluster = try await secureServer(authority)
        func encrypted(
            _ host: String,
            _ mode: String,
            _ root: CertificateAuthority?
        ) async -> Result<Bool, DatabaseError> {
            do {
                let root = root.map { "&sslrootcert=\($0.file("ca.pem"))" } ?? ""
                let configuration = try DatabaseConfiguration(
                    url: "postgres://postgres@\(host):\(cluster.port)/postgres?sslmode=\(mode)\(root)"
                )
                let database = Database(configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
                let isEncrypted = try await database.run { connection in
                    try connection.queryFirst("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") { row in
                        try row.get("ssl", as: Bool.self)
                    }
                }
                return .success(isEncrypted == true)
            } catch let error as DatabaseError { return .failure(error) } catch {
                return .failure(.configuration("\(error)"))
            }
        }
        #expect(await encrypted("localhost", "verify-full", authority) == .success(true))
        #expect(await encrypted("127.0.0.1", "verify-full", authority) == .success(true))
        #expect(await encrypted("127.0.0.1", "require", nil) == .success(true))
        #expect(await encrypted("127.0.0.1", "disable", nil) == .success(false))
        for mode in ["verify-ca", "verify-full"] {
            #expect(await encrypted("localhost", mode, stranger).isUnavailable)
        }
        // Another name for the same address: the certificate is good, and not for this server.
        let named = try DatabaseConfiguration(
            url:
                "host=other.example hostaddr=127.0.0.1 port=\(cluster.port) user=postgres dbname=postgres sslmode=verify-full sslrootcert=\(authority.file("ca.pem"))"
        )
        let database = Database(named, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let error = await #expect(throws: DatabaseError.self) { try await database.run { try $0.execute("SELECT 1") } }
        #expect(error?.isUnavailable == true)
        #expect(error?.description.contains("other.example") == true)
    }

    @Test("require is refused by a server without TLS")
    func plainServer() async throws {
        let cluster = try await TestCluster(onTCP: true)
        let configuration = try DatabaseConfiguration(
            url: "postgres://postgres@127.0.0.1:\(cluster.port)/postgres?sslmode=require"
        )
        let database = Database(configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let error = await #expect(throws: DatabaseError.self) { try await database.run { try $0.execute("SELECT 1") } }
        #expect(error?.isUnavailable == true)
        #expect(error?.description.contains("SSL") == true)
    }
}

extension Result where Failure == DatabaseError {
    fileprivate var isUnavailable: Bool {
        guard case .failure(let error) = self else { return false }
        return error.isUnavailable
    }
}
