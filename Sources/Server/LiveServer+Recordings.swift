import Cryptography
import Jobs
import Logging
import NIOCore
import ObjectStorage
import Recordings
import Storage
import Transcode

// What keeps recordings and what is made of them, as the settings say.
extension LiveServer {
    /// The long work of the data folder.
    static func jobs(_ configuration: ServerConfiguration, logger: Logger) throws -> JobQueue {
        do {
            return try JobQueue(
                directory: configuration.dataDirectory + "/jobs",
                parallelism: configuration.jobs,
                makeIdentifier: { Randomness.token(bits: 48).filter { $0.isLetter || $0.isNumber }.lowercased() },
                now: Self.wallClock,
                logger: logger
            )
        } catch {
            throw StartFailure.unavailable("the folder for jobs cannot be used: \(error)")
        }
    }

    /// The store of recordings that the settings name.
    static func recordingStore(
        _ configuration: ServerConfiguration,
        group: any EventLoopGroup,
        logger: Logger
    ) throws -> (any ObjectStore)? {
        switch configuration.recordingStore {
        case nil: return nil
        case .s3(let settings)?: return S3ObjectStore(settings, group: group, logger: logger)
        case .folder(let path)?:
            do throws(StorageFailure) {
                return try FolderStore(directory: path)
            } catch {
                throw StartFailure.unavailable("the folder for the store of recordings cannot be used: \(error)")
            }
        }
    }

    /// The recordings of the data folder.
    static func recordings(
        _ configuration: ServerConfiguration,
        _ storage: MediaStorage,
        _ store: (any ObjectStore)? = nil,
        logger: Logger
    ) throws -> RecordingCatalog {
        do throws(StorageFailure) {
            return try RecordingCatalog(
                directory: configuration.dataDirectory + "/recordings",
                storage: storage,
                store: store,
                randomBytes: { Randomness.bytes($0) },
                logger: logger
            )
        } catch {
            throw StartFailure.unavailable("the folder for recordings cannot be used: \(error)")
        }
    }

    /// Where the older segments of lives lie.
    static func storage(_ configuration: ServerConfiguration, logger: Logger) throws -> MediaStorage {
        do throws(StorageFailure) {
            return try MediaStorage(directory: configuration.dataDirectory + "/media", logger: logger)
        } catch {
            throw StartFailure.unavailable("the folder for media cannot be used: \(error)")
        }
    }
}

extension RecordingImport {
    /// Imports into the recordings of a data folder.
    init(
        _ configuration: ServerConfiguration,
        _ recordings: RecordingCatalog,
        _ storage: MediaStorage,
        logger: Logger
    ) {
        var quiet = logger
        // What the packager says is meant for streamers.
        quiet.logLevel = max(.error, logger.logLevel)
        self.init(
            catalog: recordings,
            storage: storage,
            segmentDuration: configuration.segmentDuration,
            now: LiveServer.wallClock,
            makeTag: { Randomness.token(bits: 48) },
            logger: quiet
        )
    }
}
