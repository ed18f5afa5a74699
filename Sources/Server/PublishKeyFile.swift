import Cryptography
import Foundation
import Ingest
import MediaCore
import SystemPackage

/// The file with the stream keys: `publish-keys` in the data folder, one `NAME KEY` to a line, `#` before a comment.
///
/// Made with a random key for the stream `main` on the first start, readable by its owner alone.
struct PublishKeyFile {
    /// What keeps the keys from being used.
    enum Failure: Error, CustomStringConvertible {
        /// The folder or the file cannot be made, read or written.
        case inaccessible(path: String, reason: String)
        /// A line is not a name and a key.
        case wrongLine(path: String, number: Int, problem: String)

        var description: String {
            switch self {
            case .inaccessible(let path, let reason): "\(path) cannot be used: \(reason)"
            // The line itself holds a secret.
            case .wrongLine(let path, let number, let problem): "\(path), line \(number): \(problem)"
            }
        }
    }

    /// The bits of a key that nobody can guess: as many as of an AES-128 key.
    private static let keyBits = 128
    /// The shortest key taken from a file that a person wrote, in characters.
    private static let shortestKey = 8
    private static let fileName = "publish-keys"
    /// Room for some thousand keys, in bytes; what stands behind that is not read.
    private static let largestFile = 1 << 20

    let path: String

    init(dataDirectory: String) {
        path = dataDirectory + "/" + Self.fileName
    }

    /// Reads the keys, making the file first when there is none.
    ///
    /// - Parameter randomKey: makes a key of so many unpredictable bits.
    /// - Returns: the keys in the order of their lines.
    /// - Throws: ``Failure`` when the file cannot be made or read, or has a line that is wrong.
    func load(randomKey: (Int) -> String = { Randomness.token(bits: $0) }) throws(Failure) -> [PublishKey] {
        if !FileManager.default.fileExists(atPath: path) {
            try create(key: randomKey(Self.keyBits))
        }
        return try Self.parse(try read(), path: path)
    }

    /// Whether others than the owner may read the file.
    var isReadableByOthers: Bool {
        let mode = try? FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber
        return (mode?.intValue ?? 0) & 0o077 != 0
    }

    /// The keys in a file's text.
    static func parse(_ text: String, path: String) throws(Failure) -> [PublishKey] {
        var keys: [PublishKey] = []
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
            guard !words.isEmpty else { continue }
            func wrong(_ problem: String) -> Failure { .wrongLine(path: path, number: index + 1, problem: problem) }
            guard words.count == 2 else { throw wrong("expected a stream name and a key, found \(words.count) words") }
            guard let stream = StreamID(words[0]) else {
                throw wrong("'\(words[0])' is no stream name: expected 1 to 64 letters, digits, '-', '_' or '.'")
            }
            guard words[1].count >= shortestKey else {
                throw wrong("the key has \(words[1].count) characters, expected at least \(shortestKey)")
            }
            guard !keys.contains(where: { $0.secret.revealed == words[1] }) else {
                throw wrong("the key is that of another line")
            }
            keys.append(PublishKey(stream: stream, secret: Secret(String(words[1]))))
        }
        return keys
    }

    private func read() throws(Failure) -> String {
        do {
            let file = try FileDescriptor.open(path, .readOnly)
            return try file.closeAfter {
                try String(unsafeUninitializedCapacity: Self.largestFile) { buffer in
                    try file.read(into: UnsafeMutableRawBufferPointer(buffer))
                }
            }
        } catch {
            throw .inaccessible(path: path, reason: "\(error)")
        }
    }

    /// Writes the first file: complete and private from its first moment, by way of a temporary name.
    private func create(key: String) throws(Failure) {
        let text = "# Stream keys: one NAME KEY to a line. Who has a key can publish under its name.\nmain \(key)\n"
        let temporary = path + ".new"
        do {
            try DataFolder.make(FilePath(path).removingLastComponent())
            let file = try FileDescriptor.open(
                temporary,
                .writeOnly,
                options: [.create, .truncate],
                permissions: .ownerReadWrite
            )
            try file.closeAfter { _ = try file.writeAll(text.utf8) }
            guard rename(temporary, path) == 0 else { throw Errno(rawValue: errno) }
        } catch {
            throw .inaccessible(path: path, reason: "\(error)")
        }
    }
}
