import Foundation
import Glibc
import SystemPackage

/// The file `lyceum.pid` in the data folder: which process serves from this folder, and whether it is being drained.
///
/// The process holds a lock on it for as long as it lives, which the system takes back whatever becomes of the process: a
/// second server on the same data finds it locked, and no command signals a stranger that has got the number since.
final class ProcessFile: Sendable {
    /// Where a running server stands.
    enum State: String {
        case serving
        /// No new publishers; some are still there.
        case draining
        /// The last publisher has left.
        case drained
    }

    /// What keeps the file from being used.
    enum Failure: Error, CustomStringConvertible {
        case inaccessible(path: String, reason: String)
        case inUse(folder: String, process: Int32?)

        var description: String {
            switch self {
            case .inaccessible(let path, let reason): "\(path) cannot be used: \(reason)"
            case .inUse(let folder, let process):
                "another server\(process.map { " (process \($0))" } ?? "") runs with the data folder \(folder)"
            }
        }
    }

    private static let fileName = "lyceum.pid"
    /// `PID STATE` and a line's end.
    private static let largestContent = 64

    private let file: FileDescriptor

    /// Takes the folder for this process.
    ///
    /// - Throws: ``Failure`` when another process has it or the file cannot be written.
    init(dataDirectory: String) throws(Failure) {
        let path = dataDirectory + "/" + Self.fileName
        do {
            try DataFolder.make(FilePath(dataDirectory))
            let permissions: FilePermissions = [.ownerReadWrite, .groupRead, .otherRead]
            file = try FileDescriptor.open(
                path,
                .readWrite,
                options: [.create, .closeOnExec],
                permissions: permissions
            )
        } catch {
            throw .inaccessible(path: path, reason: "\(error)")
        }
        guard flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 else {
            let process = try? Self.read(file).process
            try? file.close()
            throw .inUse(folder: dataDirectory, process: process)
        }
        write(.serving)
    }

    deinit { try? file.close() }

    /// Notes where this process stands; commands read it.
    func write(_ state: State) {
        let text = "\(getpid()) \(state.rawValue)\n"
        // One write: a reader finds the old line or the new one. What is left of a longer one stands behind its end.
        _ = try? file.writeAll(toAbsoluteOffset: 0, text.utf8)
    }

    /// The server that runs with a data folder now; `nil` when none does.
    static func running(in dataDirectory: String) throws(Failure) -> (process: Int32, state: State)? {
        let path = dataDirectory + "/" + fileName
        do {
            let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
            return try file.closeAfter {
                // Whoever gets the lock was alone.
                guard flock(file.rawValue, LOCK_SH | LOCK_NB) != 0 else { return nil }
                return try read(file)
            }
        } catch Errno.noSuchFileOrDirectory {
            return nil
        } catch {
            throw .inaccessible(path: path, reason: "\(error)")
        }
    }

    private static func read(_ file: FileDescriptor) throws -> (process: Int32, state: State) {
        let text = try String(unsafeUninitializedCapacity: largestContent) { buffer in
            try file.read(fromAbsoluteOffset: 0, into: UnsafeMutableRawBufferPointer(buffer))
        }
        let words = text.prefix { !$0.isNewline }.split(separator: " ")
        guard words.count == 2, let process = Int32(words[0]), process > 1,
            let state = State(rawValue: String(words[1]))
        else { throw Errno.invalidArgument }
        return (process, state)
    }
}

/// The folder for what must outlive the process.
enum DataFolder {
    /// Makes a folder and those above it that are missing.
    static func make(_ path: FilePath) throws {
        guard mkdir(path.string, 0o755) != 0, errno != EEXIST else { return }
        guard errno == ENOENT, !path.removingLastComponent().isEmpty else { throw Errno(rawValue: errno) }
        try make(path.removingLastComponent())
        guard mkdir(path.string, 0o755) == 0 || errno == EEXIST else { throw Errno(rawValue: errno) }
    }
}
