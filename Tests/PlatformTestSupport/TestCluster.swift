internal import Foundation
public import Postgres
internal import Synchronization
internal import TestSupport

/// A PostgreSQL server of the tests' own, from Debian's package.
///
/// It listens on a unix socket in its folder only, unless it is told otherwise. It does not survive the process of the tests.
public final class TestCluster: Sendable {
    /// The one that the suites share, each with a database of its own.
    static let shared = Task { try await TestCluster(connections: 400) }

    /// The folder with its data and its socket.
    public let folder: String
    /// The number in the socket's name, and the TCP port when it listens on one.
    public let port: Int
    private let settings: [String]
    private let process = Mutex<ChildProcess?>(nil)

    /// Makes a cluster and starts its server.
    ///
    /// - Parameters:
    ///   - connections: how many there may be at a time.
    ///   - onTCP: whether it listens on 127.0.0.1 too.
    ///   - settings: more settings, such as `ssl=on`.
    ///   - prepare: is called before the server starts, when the data folder is there.
    /// - Throws: ``PostgresMissing``, or what goes wrong.
    public init(
        connections: Int = 50,
        onTCP: Bool = false,
        settings: [String] = [],
        prepare: @Sendable (TestCluster) throws -> Void = { _ in }
    ) async throws {
        Self.removeOrphans()
        folder = "/tmp/lyceum-pg-\(getpid())-\(UUID().uuidString.prefix(8))"
        port = onTCP ? try Self.freePort() : 5432
        self.settings = settings + (onTCP ? ["listen_addresses=127.0.0.1"] : []) + ["max_connections=\(connections)"]
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        Leftovers.folders.withLock { _ = $0.insert(folder) }
        try own(folder)
        let initialize = try command(
            "initdb",
            [
                "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8",
            ]
        )
        try await Tool.check(initialize[0], Array(initialize.dropFirst()))
        try prepare(self)
        try await start()
    }

    deinit {
        process.withLock { $0?.send(SIGKILL) }
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// The folder that `initdb` has made.
    public var data: String { "\(folder)/data" }

    /// How to reach a database of it.
    public func configuration(database: String) -> DatabaseConfiguration {
        DatabaseConfiguration(socketFolder: folder, port: port, user: "postgres", database: database)
    }

    /// Gives a file to the user of the server.
    public func own(_ path: String) throws {
        guard geteuid() == 0 else { return }
        guard let user = getpwnam("postgres") else { throw PostgresMissing() }
        guard chown(path, user.pointee.pw_uid, user.pointee.pw_gid) == 0, chmod(path, 0o700) == 0 else {
            throw CocoaError(.fileWriteNoPermission)
        }
    }

    /// Writes a file into the data folder that only the server's user may read.
    public func writeData(_ name: String, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(data)/\(name)"))
        try own("\(data)/\(name)")
    }

    /// A port that nobody listens on.
    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, length) == 0 ? getsockname(descriptor, generic, &length) : -1
            }
        }
        guard result == 0 else { throw CocoaError(.fileReadUnknown) }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// Starts the server; returns when it takes connections.
    public func start() async throws {
        let flags = ["listen_addresses=", "unix_socket_directories=\(folder)", "port=\(port)", "fsync=off"] + settings
        // The process dies with the thread that has started it, so that one is there until the end.
        let command = try command(
            "postgres",
            ["-D", data] + flags.flatMap { ["-c", $0] },
            leash: ["--pdeathsig", "INT"]
        )
        let process = try await Parent.shared.start(command)
        self.process.withLock { $0 = process }
        Leftovers.processes.withLock { _ = $0.insert(process.processIdentifier) }
        _ = try await process.standardError.line(within: .seconds(30)) { $0.contains("ready to accept connections") }
    }

    /// Ends the server and waits for that.
    ///
    /// - Parameter isCrash: whether it has no time to do anything; otherwise it ends in order.
    /// - Throws: an error when it does not end in half a minute.
    public func stop(isCrash: Bool = false) async throws {
        guard let process = process.withLock({ $0 }) else { return }
        process.send(isCrash ? SIGKILL : SIGINT)
        try await process.waitForExit(within: .seconds(30))
        Leftovers.processes.withLock { _ = $0.remove(process.processIdentifier) }
        self.process.withLock { $0 = nil }
    }

    /// What the server has said since its start.
    public var log: String { process.withLock { $0?.standardError.text } ?? "" }

    /// A program of the server's package, as the server's user.
    ///
    /// On a leash it ends with the thread that starts it, and thereby with this process.
    private func command(_ name: String, _ arguments: [String], leash: [String] = []) throws -> [String] {
        let user = geteuid() == 0 ? ["--reuid", "postgres", "--regid", "postgres", "--init-groups"] : []
        return ["setpriv"] + user + leash + [try Self.program(name)] + arguments
    }

    /// The path of a program of the newest PostgreSQL that is installed.
    public static func program(_ name: String) throws -> String {
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        let paths = versions.compactMap { Int($0) }.sorted(by: >).map { "\(root)/\($0)/bin/\(name)" }
        guard let path = paths.first(where: FileManager.default.isExecutableFile(atPath:)) else {
            throw PostgresMissing()
        }
        return path
    }

    /// Removes the folders of processes that are gone.
    private static func removeOrphans() {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/tmp")) ?? [] {
            let parts = name.split(separator: "-")
            guard name.hasPrefix("lyceum-pg-"), parts.count == 4, let owner = Int32(parts[2]) else { continue }
            if kill(owner, 0) != 0, errno == ESRCH { try? FileManager.default.removeItem(atPath: "/tmp/\(name)") }
        }
    }
}

/// PostgreSQL is not installed.
public struct PostgresMissing: Error, CustomStringConvertible {
    /// What to do about it.
    public var description: String { "Debian's package postgresql is not installed" }
}

/// What is to be cleared away when the process ends.
private enum Leftovers {
    static let processes = Mutex<Set<Int32>>([])
    static let folders: Mutex<Set<String>> = {
        atexit {
            for process in Leftovers.processes.withLock({ $0 }) { kill(process, SIGKILL) }
            for folder in Leftovers.folders.withLock({ $0 }) { try? FileManager.default.removeItem(atPath: folder) }
        }
        return Mutex([])
    }()
}

/// A thread that starts processes and never ends.
private final class Parent: Sendable {
    static let shared = Parent()

    private typealias Order = @Sendable () -> Void
    private let orders = Mutex<[Order]>([])
    private let bell = DispatchSemaphore(value: 0)

    private init() {
        let thread = Thread { [self] in
            while true {
                bell.wait()
                orders.withLock { $0.isEmpty ? nil : $0.removeFirst() }?()
            }
        }
        thread.start()
    }

    func start(_ command: [String]) async throws -> ChildProcess {
        try await withCheckedThrowingContinuation { continuation in
            orders.withLock { orders in
                orders.append {
                    continuation.resume(
                        with: Result { try ChildProcess(command[0], Array(command.dropFirst())) }
                    )
                }
            }
            bell.signal()
        }
    }
}
