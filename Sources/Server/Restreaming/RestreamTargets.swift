import Ingest
import Logging
import MediaCore
import Synchronization
import TLS

/// Keeps a server's push targets as the file has them.
///
/// A file that has become unusable changes nothing but the log.
final class RestreamTargets: Sendable {
    private let file: RestreamFile
    private let logger: Logger
    private let fingerprint = Mutex<FileFingerprint?>(nil)

    /// The targets of a file that has not been read yet.
    init(_ file: RestreamFile, logger: Logger) {
        self.file = file
        self.logger = logger
    }

    /// Takes the file up when it has changed.
    ///
    /// Reads files: not to be called on an event loop.
    ///
    /// - Parameter take: gets the targets of each stream.
    func reload(_ take: ([StreamID: [PushTarget]]) -> Void) {
        let current = FileFingerprint(file.path)
        let isKnown = fingerprint.withLock { fingerprint in
            defer { fingerprint = current }
            return fingerprint == current
        }
        guard !isKnown else { return }
        do throws(ListFileFailure) {
            let list = try file.read() ?? RestreamList()
            take(list.targetsOfStream)
            logger.info("restream targets read", metadata: ["targets.count": "\(list.targets.count)"])
            if file.isReadableByOthers {
                let metadata: Logger.Metadata = ["file": "\(file.path)"]
                logger.warning("others can read the stream keys of other servers: run chmod 600", metadata: metadata)
            }
        } catch {
            logger.error("restream targets not read: those of before stay", metadata: ["reason": "\(error)"])
        }
    }
}
