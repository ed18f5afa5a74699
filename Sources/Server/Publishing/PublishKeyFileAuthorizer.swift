import Logging
import MediaCore
import NIOCore
import NIOPosix
import Synchronization
import TLS

/// Lets those publish who send one of the keys in a file; which one says which stream.
///
/// The file is looked at before each decision, so a key counts from the moment it is added until it is removed; who publishes
/// already goes on. A file that has become unusable changes nothing but the log.
final class PublishKeyFileAuthorizer: PublishAuthorizer {
    private struct State {
        var list: PublishKeyList
        var fingerprint: FileFingerprint?
    }

    private let file: PublishKeyFile
    private let threads: NIOThreadPool
    private let logger: Logger
    private let state: Mutex<State>

    /// An authorizer with the keys that the file has now.
    ///
    /// - Parameters:
    ///   - file: the file.
    ///   - threads: where files are read and hashes are made.
    ///   - logger: told when the keys change, or cannot.
    /// - Throws: ``ListFileFailure``.
    init(_ file: PublishKeyFile, threads: NIOThreadPool, logger: Logger) throws(ListFileFailure) {
        self.file = file
        self.threads = threads
        self.logger = logger
        let fingerprint = FileFingerprint(file.path)
        state = Mutex(State(list: try file.load() ?? PublishKeyList(), fingerprint: fingerprint))
        warnOfOddities()
    }

    /// Allows a known key; denies every other.
    func authorize(_ request: PublishRequest, on eventLoop: any EventLoop) -> EventLoopFuture<PublishDecision> {
        threads.runIfActive(eventLoop: eventLoop) { [self] in
            reload()
            guard let stream = state.withLock({ $0.list }).stream(for: request.streamKey) else {
                return .deny(PublishRefusal(reason: "the stream key is wrong: check it in the encoder"))
            }
            return .allow(PublishGrant(stream))
        }
    }

    /// Takes the file up when it has changed.
    ///
    /// Reads files: not to be called on an event loop.
    func reload() {
        let fingerprint = FileFingerprint(file.path)
        let isKnown = state.withLock { state in
            defer { state.fingerprint = fingerprint }
            return state.fingerprint == fingerprint
        }
        guard !isKnown else { return }
        do throws(ListFileFailure) {
            let list = try file.load() ?? PublishKeyList()
            // Hashing plain keys has changed the file once more.
            let fingerprint = FileFingerprint(file.path)
            state.withLock { state in
                state.list = list
                state.fingerprint = fingerprint
            }
            logger.info("stream keys read again", metadata: ["keys.count": "\(list.keys.count)"])
            warnOfOddities()
        } catch {
            logger.error("stream keys not read again: those of before stay", metadata: ["reason": "\(error)"])
        }
    }

    private func warnOfOddities() {
        let list = state.withLock { $0.list }
        if list.newlyHashed > 0 {
            logger.notice("plain stream keys hashed", metadata: ["keys.count": "\(list.newlyHashed)"])
        }
        if file.isReadableByOthers {
            logger.warning("others can read the stream keys: run chmod 600", metadata: ["file": "\(file.path)"])
        }
        if list.keys.isEmpty {
            logger.warning("nobody can publish: there is no stream key", metadata: ["file": "\(file.path)"])
        }
    }
}
