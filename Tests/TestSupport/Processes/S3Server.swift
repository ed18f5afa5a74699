internal import Foundation

/// An S3 server of its own on loopback, of one of two kinds; `scripts/fetch-s3-servers` gets them.
///
/// It is killed, by its identifier, when nobody holds it any more.
public final class S3Server: Sendable {
    /// Which server.
    public enum Kind: String, CaseIterable, Sendable {
        /// SeaweedFS, which checks signatures.
        case seaweedFS
        /// moto, which checks none, and answers much like Amazon does.
        case moto
    }

    /// The access key that it knows.
    public static let accessKey = "AKIDLYCEUM"
    /// Its secret.
    public static let secretKey = "kept/secret+from=everybody"
    /// The ending of host names that begin with a bucket's name.
    public static let domain = "s3.test"

    /// Its port on 127.0.0.1.
    public let port: Int
    private let process: ChildProcess
    private let folder: TemporaryFolder
    /// What SeaweedFS leaves in /tmp when it is killed.
    private let sockets: [String]

    private init(port: Int, process: ChildProcess, folder: TemporaryFolder, sockets: [String] = []) {
        self.port = port
        self.process = process
        self.folder = folder
        self.sockets = sockets
    }

    deinit {
        process.send(SIGKILL)
        for socket in sockets { unlink(socket) }
    }

    /// Kills it, and waits until it is gone.
    public func stop() async throws {
        process.send(SIGKILL)
        try await process.waitForExit(within: .seconds(20))
    }

    /// Starts a server, and waits until it answers.
    public static func start(_ kind: Kind) async throws -> S3Server {
        switch kind {
        case .seaweedFS: try await startSeaweedFS()
        case .moto: try await startMoto()
        }
    }

    private static var vendor: String {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../..")
        return package.standardized.appendingPathComponent(".vendor/s3").path
    }

    private static func startMoto() async throws -> S3Server {
        let folder = try TemporaryFolder()
        let process = try ChildProcess(
            "python3",
            ["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"],
            environment: ["PYTHONPATH": "\(vendor)/moto", "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"],
            directory: folder.path
        )
        let line = try await process.standardError.line(containing: "Running on http://127.0.0.1:")
        let port = line.text.split(separator: ":").last.flatMap { Int($0.prefix { $0.isNumber }) }
        return S3Server(port: port ?? 0, process: process, folder: folder)
    }

    private static func startSeaweedFS() async throws -> S3Server {
        let folder = try TemporaryFolder()
        let identity = """
            {"identities":[{"name":"lyceum","credentials":[{"accessKey":"\(accessKey)","secretKey":"\(secretKey)"}],
            "actions":["Admin","Read","Write","List"]}]}
            """
        try folder.write("s3.json", identity)
        let ports = freePorts(8)
        let names = ["master", "volume", "filer", "s3"]
        let process = try ChildProcess(
            "\(vendor)/weed",
            [
                "-logtostderr=true", "server", "-dir=\(folder.path)", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3",
                "-s3.config=\(folder.file("s3.json"))", "-s3.iam=false", "-s3.domainName=\(domain)",
                "-s3.port.iceberg=0",
                "-s3.port.lance=0", "-master.telemetry=false", "-master.electionTimeout=1s",
                "-master.volumeSizeLimitMB=64",
                "-volume.max=0",
            ] + zip(names, ports).map { "-\($0).port=\($1)" } + zip(names, ports[4...]).map { "-\($0).port.grpc=\($1)" }
        )
        _ = try await process.standardError.line(containing: "Start Seaweed S3 API Server", within: .seconds(60))
        let sockets =
            ["s3", "filer"].map { "/tmp/seaweedfs-\($0)-\(ports[names.firstIndex(of: $0) ?? 0]).sock" }
            + zip(names, ports[4...]).map { "/tmp/seaweedfs-\($0)-grpc-\($1).sock" }
        return S3Server(port: ports[3], process: process, folder: folder, sockets: sockets)
    }

    /// Ports that nobody listens on.
    private static func freePorts(_ count: Int) -> [Int] {
        let sockets = (0..<count).map { _ in socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0) }
        defer { for descriptor in sockets { close(descriptor) } }
        return sockets.map { descriptor in
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            return withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                    _ = bind(descriptor, generic, length)
                    _ = getsockname(descriptor, generic, &length)
                }
                return Int(UInt16(bigEndian: pointer.pointee.sin_port))
            }
        }
    }
}
