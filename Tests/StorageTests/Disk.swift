import Glibc
import Logging
import NIOCore
import Storage
import Synchronization
import TestSupport

/// Storage in a folder of its own, and what it logs.
final class Disk: Sendable {
    let folder: String
    let storage: MediaStorage
    let messages = Messages()
    private let temporary: TemporaryFolder

    init(below name: String = "media", _ adjust: (inout StorageLimits) -> Void = { _ in }) throws {
        temporary = try TemporaryFolder()
        folder = temporary.file(name)
        var limits = StorageLimits()
        adjust(&limits)
        let messages = messages
        storage = try MediaStorage(directory: folder, limits: limits, logger: Logger(label: "test") { _ in messages })
    }

    /// Storage in a folder that is there.
    init(at path: String, _ adjust: (inout StorageLimits) -> Void = { _ in }) throws {
        temporary = try TemporaryFolder()
        folder = path
        var limits = StorageLimits()
        adjust(&limits)
        let messages = messages
        storage = try MediaStorage(directory: path, limits: limits, logger: Logger(label: "test") { _ in messages })
    }

    /// The paths of all files below the folder.
    var files: [String] { Self.files(below: folder) }

    static func files(below path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var found: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name != ".", name != ".." else { continue }
            let item = "\(path)/\(name)"
            found += entry.pointee.d_type == UInt8(DT_DIR) ? files(below: item) : [item]
        }
        return found.sorted()
    }

    /// How many bytes the files have.
    var size: Int {
        files.reduce(0) { sum, path in
            var status = stat()
            return lstat(path, &status) == 0 ? sum + Int(status.st_size) : sum
        }
    }
}

/// Bytes that no others are like, in pieces.
func segment(_ number: Int, size: Int = 1000, pieces: Int = 3) -> [ByteBuffer] {
    var random = SplitMix64(seed: UInt64(number))
    let bytes = (0..<size).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    let length = max(1, size / pieces)
    return stride(from: 0, to: size, by: length).map { ByteBuffer(bytes: bytes[$0..<min(size, $0 + length)]) }
}

extension [ByteBuffer] {
    /// The bytes that the pieces are together.
    var whole: ByteBuffer { reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) } }
}

extension FiledBytes {
    /// All of it, read from the disk.
    var content: ByteBuffer? {
        get throws { try slice?.read(0..<byteCount) }
    }
}

/// What was logged at info and above.
final class Messages: LogHandler, Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .info }
        set {}
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) { lines.withLock { $0.append("\(event.level) \(event.message)") } }
}

/// A file system of a few MiB that is really full when it is full.
final class SmallDisk: Sendable {
    let path: String
    private let folder: TemporaryFolder

    /// Whether this process may mount one.
    static let isPossible = (try? SmallDisk(megabytes: 1)) != nil

    struct NotMounted: Error {
        let code: Int32
    }

    init(megabytes: Int) throws {
        folder = try TemporaryFolder()
        path = folder.path
        guard mount("tmpfs", path, "tmpfs", 0, "size=\(megabytes)m") == 0 else { throw NotMounted(code: errno) }
    }

    /// Lets nothing be written to it, or lets it again.
    func set(readOnly: Bool) throws {
        let flags = UInt(MS_REMOUNT) | (readOnly ? UInt(MS_RDONLY) : 0)
        guard mount("tmpfs", path, "tmpfs", flags, nil) == 0 else { throw NotMounted(code: errno) }
    }

    deinit { umount2(path, Int32(MNT_DETACH)) }
}
