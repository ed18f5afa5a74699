internal import Foundation
internal import Glibc
internal import MediaCore

/// The files of a queue, one for each job, exchanged as a whole: a crash leaves the old or the new one.
struct JobFolder: Sendable {
    /// The largest file read: parameters and remarks are some lines.
    private static let largestFile = 256 << 10
    private static let suffix = ".json"

    private let path: String

    /// The folder, which is made if need be.
    ///
    /// Blocks, as everything here.
    init(_ path: String) throws {
        self.path = path
        try FileManager.default.createDirectory(
            atPath: path,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
    }

    /// The jobs that lie there.
    ///
    /// What is no job is left alone.
    var jobs: [JobStatus] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.filter { $0.hasSuffix(Self.suffix) }.compactMap { name in
            guard let data = try? read("\(path)/\(name)"),
                let job = try? JSONDecoder().decode(JobStatus.self, from: data),
                job.id + Self.suffix == name
            else { return nil }
            return job
        }
    }

    /// Writes a job, so that it outlasts a crash of the machine.
    func write(_ job: JobStatus) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let data = try encoder.encode(job)
        let temporary = "\(path)/\(job.id).new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Self.error }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try file.write(contentsOf: data)
        guard fdatasync(descriptor) == 0 else { throw Self.error }
        try file.close()
        guard rename(temporary, "\(path)/\(job.id)\(Self.suffix)") == 0 else { throw Self.error }
    }

    /// Removes a job.
    func remove(_ id: String) { unlink("\(path)/\(id)\(Self.suffix)") }

    private func read(_ file: String) throws -> Data {
        let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: file))
        defer { try? handle.close() }
        return try handle.read(upToCount: Self.largestFile) ?? Data()
    }

    private static var error: any Error { NSError(domain: NSPOSIXErrorDomain, code: Int(errno)) }
}
