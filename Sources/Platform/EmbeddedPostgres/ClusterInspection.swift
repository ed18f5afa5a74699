internal import Foundation
internal import Glibc
internal import SystemPackage

/// Looks at a cluster's folder and at the processes of this machine.
struct ClusterInspection: Sendable {
    let folder: ClusterFolder

    /// What is there now.
    func findings() -> ClusterFindings {
        ClusterFindings(content: content, recorded: recorded, workers: workers)
    }

    // MARK: - The folder

    private var content: ClusterFindings.Content {
        var status = stat()
        guard lstat(folder.cluster, &status) == 0 else {
            return errno == ENOENT ? .nothing : .foreign(Errno(rawValue: errno).description)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else { return .foreign("it is no folder") }
        guard let text = Self.read("\(folder.cluster)/PG_VERSION") else {
            let names = try? FileManager.default.contentsOfDirectory(atPath: folder.cluster)
            return names?.isEmpty == true ? .nothing : .foreign("it has no readable PG_VERSION")
        }
        guard let major = Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            return .foreign("its PG_VERSION says \(text.prefix(20).debugDescription)")
        }
        return .cluster(major: major)
    }

    private var recorded: ClusterFindings.Recorded {
        for file in folder.lockFiles {
            var status = stat()
            guard lstat(file, &status) == 0 else { continue }
            guard let first = Self.read(file)?.split(whereSeparator: \.isNewline).first, let process = Int32(first),
                process > 0
            else { return .garbled }
            return standing(of: process)
        }
        return .none
    }

    /// Removes the lock files; see ``ClusterFindings`` for when that may be done.
    func removeLocks() throws(EmbeddedPostgresError) {
        for file in folder.lockFiles where unlink(file) != 0 && errno != ENOENT { throw ClusterFolder.refusal(file) }
    }

    // MARK: - Processes

    private func standing(of process: Int32) -> ClusterFindings.Recorded {
        guard let state = Self.state(of: process) else { return .gone }
        guard state != "Z", state != "X" else { return .zombie }
        switch worksHere(process) {
        case .success(true): return .here(process, isOurs: Self.isOurs(process))
        case .success(false): return .elsewhere
        case .failure(.noSuchFileOrDirectory), .failure(.noSuchProcess): return .gone
        case .failure: return .hidden
        }
    }

    /// Live processes of PostgreSQL that work in the cluster's folder.
    private var workers: [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.filter { process in
            guard (try? worksHere(process).get()) == true else { return false }
            return Self.read("/proc/\(process)/comm")?.hasPrefix("postgres") == true
        }.sorted()
    }

    /// Whether a process lives and has not ended as a zombie.
    static func isAlive(_ process: Int32) -> Bool {
        state(of: process).map { $0 != "Z" && $0 != "X" } ?? false
    }

    /// Compares folders, not paths: those of processes in other roots are different.
    private func worksHere(_ process: Int32) -> Result<Bool, Errno> {
        var here = stat()
        var there = stat()
        guard stat(folder.cluster, &here) == 0, stat("/proc/\(process)/cwd", &there) == 0 else {
            return .failure(Errno(rawValue: errno))
        }
        return .success(here.st_dev == there.st_dev && here.st_ino == there.st_ino)
    }

    /// The letter of proc(5), /proc/PID/stat, that follows the name in parentheses, which may hold anything.
    private static func state(of process: Int32) -> Character? {
        guard let text = read("/proc/\(process)/stat"), let name = text.lastIndex(of: ")") else { return nil }
        return text[text.index(after: name)...].first { $0 != " " }
    }

    private static func isOurs(_ process: Int32) -> Bool {
        read("/proc/\(process)/cmdline")?.split(separator: "\0").contains(Substring(ClusterCommand.descriptorPath))
            ?? false
    }

    /// The beginning of a file, which holds a few lines when it is what it should be.
    private static func read(_ path: String) -> String? {
        guard let file = try? FileDescriptor.open(FilePath(path), .readOnly, options: [.closeOnExec, .noFollow]) else {
            return nil
        }
        defer { try? file.close() }
        let bytes = try? [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
            count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
        }
        return bytes.map { String(decoding: $0, as: UTF8.self) }
    }
}
