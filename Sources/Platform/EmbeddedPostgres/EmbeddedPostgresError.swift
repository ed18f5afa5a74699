/// Why the private PostgreSQL does not run; the description is a sentence for operators that says what to do.
public enum EmbeddedPostgresError: Error, Hashable, Sendable, CustomStringConvertible {
    /// No usable programs; `searched` are the places.
    case binariesMissing(searched: [String])
    /// A program of another package is missing.
    case programMissing(String, package: String)
    /// The data was written by a major version that is not installed.
    case otherMajorVersion(data: Int, installed: [Int], folder: String)
    /// Something that is no cluster lies in its place.
    case damaged(folder: String, reason: String)
    /// Another server holds the cluster's lock.
    case inUse(folder: String)
    /// Processes that are not ours work on the data.
    case foreignProcesses([Int32], folder: String)
    /// The server runs as root and there is no user to run PostgreSQL as.
    case noUnprivilegedUser
    /// The user of this number has no name, which PostgreSQL wants.
    case namelessUser(UInt32)
    /// The cluster belongs to somebody else, and only root may run it as them.
    case foreignOwner(folder: String, user: UInt32)
    /// A folder for the socket is not ours alone.
    case unsafeSocketFolder(String, reason: String)
    /// The system refused something with this reason.
    case inaccessible(path: String, reason: String)
    /// A program ended with an error; its last words.
    case programFailed(String, words: String)
    /// PostgreSQL ended before it was ready; its last words.
    case startFailed(words: String)
    /// It was told to stop meanwhile.
    case stopped

    /// Whether the same start may succeed later with nothing done about it but time and space.
    public var isTemporary: Bool {
        switch self {
        case .inUse, .foreignProcesses, .inaccessible, .programFailed, .startFailed: true
        case .binariesMissing, .programMissing, .otherMajorVersion, .damaged, .noUnprivilegedUser, .namelessUser,
            .foreignOwner, .unsafeSocketFolder, .stopped:
            false
        }
    }

    /// The sentence.
    public var description: String {
        switch self {
        case .binariesMissing(let searched):
            "PostgreSQL \(PostgresInstallation.oldestMajor) or newer is not installed (searched \(searched.joined(separator: ", "))): "
                + "install Debian's package postgresql, or set LYCEUM_DATABASE_URL to a database elsewhere"
        case .programMissing(let name, let package): "\(name) is not installed: install Debian's package \(package)"
        case .otherMajorVersion(let data, let installed, let folder):
            "the database in \(folder) was written by PostgreSQL \(data), and \(Self.list(installed)): install "
                + "postgresql-\(data), or move the data with `lyceum db dump` where PostgreSQL \(data) is installed and "
                + "`lyceum db restore` into a new data folder here"
        case .damaged(let folder, let reason):
            "\(folder) is no database of ours (\(reason)): restore it from a backup, or move it away to begin with an empty one"
        case .inUse(let folder): "another server uses the database in \(folder)"
        case .foreignProcesses(let processes, let folder):
            "PostgreSQL that this server has not started (process \(processes.map(String.init).joined(separator: ", "))) "
                + "uses the database in \(folder): stop it first"
        case .noUnprivilegedUser:
            "PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody: install Debian's package "
                + "postgresql-common, or run the server as another user"
        case .namelessUser(let user):
            "PostgreSQL cannot run as user \(user), which has no entry in /etc/passwd: add one"
        case .foreignOwner(let folder, let user):
            "the database in \(folder) belongs to user \(user): run the server as that user or as root"
        case .unsafeSocketFolder(let path, let reason):
            "\(path) cannot hold the database's socket (\(reason)): remove it, or choose a data folder with a shorter path"
        case .inaccessible(let path, let reason): "\(path) cannot be used: \(reason)"
        case .programFailed(let name, let words): "\(name) ended with an error: \(words)"
        case .startFailed(let words): "PostgreSQL did not start: \(words)"
        case .stopped: "the database was told to stop"
        }
    }

    private static func list(_ versions: [Int]) -> String {
        switch versions.count {
        case 0: "none is installed"
        case 1: "only \(versions[0]) is installed"
        default: "only \(versions.map(String.init).joined(separator: ", ")) are installed"
        }
    }
}
