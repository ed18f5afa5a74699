internal import Glibc
import Logging
import NIOCore
import Recordings
import Storage
import Synchronization

/// The compressed forms of long texts of recordings: each is made when the first client wants it, and kept beside the text.
///
/// A playlist of twelve hours has a megabyte, and is a few dozen kilobytes long then.
final class CompressedTexts: Sendable {
    /// How long it is not tried again where the disk did not take one.
    private static let pause = TimeAmount.seconds(60)

    /// The paths of those that are being made, and of those that could not be, until when.
    private let unavailable = Mutex<[String: NIODeadline]>([:])

    /// The compressed form of a text as it is now; `nil` when it cannot be had now.
    ///
    /// Blocks: whoever asks first makes it, and those who ask meanwhile do without.
    func file(of text: KeptFile, named name: String, in recording: Recording, _ logger: Logger) -> KeptFile? {
        let compressedName = name + ".gz"
        if let known = recording.derivedFile(named: compressedName, of: text) { return known }
        let path = "\(recording.folder)/\(compressedName)"
        guard claim(path) else { return nil }
        do {
            var gzip = try GzipStream(level: .playlist)
            try recording.makeDerivedFile(named: compressedName, of: text) { gzip.compress($0, isLast: $1) }
            unavailable.withLock { $0[path] = nil }
            return recording.derivedFile(named: compressedName, of: text)
        } catch {
            unavailable.withLock { $0[path] = .now() + Self.pause }
            logger.warning("playlist is sent uncompressed", metadata: ["error.type": "\(error)"])
            return nil
        }
    }

    private func claim(_ path: String) -> Bool {
        let now = NIODeadline.now()
        return unavailable.withLock { unavailable in
            if let end = unavailable[path], end > now { return false }
            // What is over is forgotten, so that this holds a few at most.
            unavailable = unavailable.filter { $0.value > now }
            unavailable[path] = .distantFuture
            return true
        }
    }
}

extension StorageFailure {
    static let noSuchFile = ENOENT
}
