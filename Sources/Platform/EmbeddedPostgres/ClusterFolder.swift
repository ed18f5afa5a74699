internal import Foundation
internal import Glibc
internal import SystemPackage

/// The folders of a cluster.
///
///     DATA/postgres/             passed through by all, listed by the server's user only
///                  lock          held (flock) by the server that uses the cluster, for as long as it lives
///                  cluster/      the cluster, closed to all but its owner
///                  cluster.new/  one that is being made; it gets its name when it is complete
///                  socket/       the socket, closed to all but its owner: whoever gets there is let in
struct ClusterFolder: Hashable, Sendable {
    /// The number in the socket's name; there is no TCP port.
    static let port = 5432
    /// The database and the role that owns it.
    static let databaseName = "lyceum"
    /// What `sun_path` holds (unix(7)), less the final zero.
    static let longestSocketPath = 107
    static let socketName = ".s.PGSQL.\(port)"

    /// `DATA/postgres`, absolute.
    let root: String
    /// Where clients find the socket.
    let socketDirectory: String

    var cluster: String { "\(root)/cluster" }
    var unfinished: String { "\(root)/cluster.new" }
    var lock: String { "\(root)/lock" }
    /// What PostgreSQL leaves when it is killed, the first more telling than the second.
    var lockFiles: [String] { ["\(cluster)/postmaster.pid", "\(socketDirectory)/\(Self.socketName).lock"] }
    /// The socket's folder for PostgreSQL, which works in the cluster's folder and may have no way through those above.
    var socketDirectoryFromCluster: String { hasOwnSocketDirectory ? "../socket" : socketDirectory }

    private var hasOwnSocketDirectory: Bool { socketDirectory == "\(root)/socket" }

    /// The folders below a data folder; nothing is made.
    ///
    /// - Parameters:
    ///   - dataDirectory: the data folder.
    ///   - user: the user of this process.
    ///   - exists: whether there is a folder at a path.
    init(
        dataDirectory: String,
        user: UInt32 = geteuid(),
        exists: (String) -> Bool = { FileManager.default.fileExists(atPath: $0) }
    ) {
        root = URL(fileURLWithPath: dataDirectory).standardized.appendingPathComponent("postgres").path
        let near = "\(root)/socket"
        guard near.utf8.count + 1 + Self.socketName.utf8.count > Self.longestSocketPath else {
            socketDirectory = near
            return
        }
        // The same data folder must lead to the same place in every process.
        let base = [user == 0 ? "/run" : "/run/user/\(user)", "/tmp"].first(where: exists) ?? "/tmp"
        socketDirectory = "\(base)/lyceum-\(user)-\(Self.hash(root))"
    }

    /// What libpq wants to know (libpq's manual, "Keyword/Value Connection Strings").
    func connectionString(user: String = Self.databaseName, database: String = Self.databaseName) -> String {
        let host = socketDirectory.replacing("\\", with: #"\\"#).replacing("'", with: #"\'"#)
        return "host='\(host)' port=\(Self.port) dbname=\(database) user=\(user)"
    }

    /// Makes the folders above the cluster, and that of the socket.
    func make(for owner: ClusterOwner) throws(EmbeddedPostgresError) {
        do {
            try FileManager.default.createDirectory(
                atPath: (root as NSString).deletingLastPathComponent,
                withIntermediateDirectories: true
            )
        } catch {
            throw .inaccessible(path: root, reason: error.localizedDescription)
        }
        if mkdir(root, owner.isOther ? 0o711 : 0o700) != 0, errno != EEXIST { throw Self.refusal(root) }
        try Self.makePrivate(socketDirectory, owner: owner)
    }

    /// Makes a folder that only the owner gets into, or checks that an existing one is such.
    static func makePrivate(_ path: String, owner: ClusterOwner) throws(EmbeddedPostgresError) {
        if mkdir(path, 0o700) == 0 {
            // A umask may have taken away more than it should.
            guard chmod(path, 0o700) == 0 else { throw refusal(path) }
        } else if errno != EEXIST {
            throw refusal(path)
        }
        // Not followed if it is a link: in /tmp anybody may have put one there.
        var status = stat()
        guard lstat(path, &status) == 0 else { throw refusal(path) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw .unsafeSocketFolder(path, reason: "it is no folder") }
        guard status.st_mode & 0o077 == 0 else { throw .unsafeSocketFolder(path, reason: "others may enter it") }
        if status.st_uid == owner.userID { return }
        guard status.st_uid == geteuid() else {
            throw .unsafeSocketFolder(path, reason: "it belongs to user \(status.st_uid)")
        }
        guard lchown(path, owner.userID, owner.groupID) == 0 else { throw refusal(path) }
    }

    /// The user that the cluster belongs to; `nil` when there is none.
    var clusterUser: UInt32? {
        var status = stat()
        return lstat(cluster, &status) == 0 ? status.st_uid : nil
    }

    static func refusal(_ path: String) -> EmbeddedPostgresError {
        .inaccessible(path: path, reason: Errno(rawValue: errno).description)
    }

    /// FNV-1a, which gives the same in every process; nobody's secret depends on it.
    private static func hash(_ text: String) -> String {
        let value = text.utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return String(value, radix: 16)
    }
}

/// The lock that makes one server of ours the only one that uses a cluster.
///
/// The system takes it back when the process ends.
final class ClusterLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock.
    init(_ folder: ClusterFolder) throws(EmbeddedPostgresError) {
        descriptor = open(folder.lock, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { throw ClusterFolder.refusal(folder.lock) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw .inUse(folder: folder.root)
        }
    }

    deinit {
        // A child that another thread starts just now has the descriptor too until it runs its program; closing is not enough.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// Whether a server holds it now.
    static func isHeld(_ folder: ClusterFolder) -> Bool {
        let descriptor = open(folder.lock, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0
    }
}
