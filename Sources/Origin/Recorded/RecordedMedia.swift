import LiveStore
import Logging
import NIOCore
import NIOHTTP1
import Recordings
import Storage

/// The recordings that an origin serves, and how their files become responses.
///
/// What looks at the disk says so and is done by ``Consultation``; everything else is in memory.
struct RecordedMedia: Sendable {
    /// How long caches may keep what seldom changes of a recording, in seconds: as long as one can be seen that was deleted.
    private static let cacheSeconds = 60
    /// The smallest text that is compressed, in bytes: what fits one packet is sent as fast as it is.
    private static let smallestCompressed = 1200

    /// The recordings.
    let catalog: RecordingCatalog
    /// Finds those of other servers; `nil` when there is no store.
    private let archive: RecordingArchive?
    /// Makes files and clips of them; `nil` where that is not wanted.
    let exporter: (any RecordingExporter)?
    private let logger: Logger
    private let compression = CompressedTexts()

    /// Recordings of a catalog.
    init(
        _ catalog: RecordingCatalog,
        archive: RecordingArchive? = nil,
        exporter: (any RecordingExporter)? = nil,
        logger: Logger
    ) {
        self.catalog = catalog
        self.archive = archive
        self.exporter = exporter
        self.logger = logger
    }

    /// Looks for a recording in the store, and then has a request decided about; `nil` when it need not be looked for.
    func searching(
        _ id: RecordingID,
        on surface: Route.Surface,
        _ decide: @escaping @Sendable () -> Router.Reply
    ) -> Router.Reply? {
        guard let archive, catalog[id].map(\.isOutline) ?? true else { return nil }
        let search = Consultation<Router.Reply>(
            waiting: { [logger] in
                do throws(ObjectStoreFailure) {
                    _ = try await archive.find(id)
                    return decide()
                } catch {
                    logger.warning("recording could not be looked for", metadata: ["error.type": "\(error)"])
                    return .response(.busy(on: surface))
                }
            },
            failure: { .response(.busy(on: surface)) }
        )
        return .consult(search)
    }

    /// Something that blocks, for a request of a part of the site.
    func consulting(
        on surface: Route.Surface,
        _ work: @escaping @Sendable () -> Router.Reply
    ) -> Router.Reply {
        .consult(Consultation(work: work, failure: { .response(.busy(on: surface)) }))
    }

    /// Answers with a resource of a recording, or the bytes of it that are asked for.
    ///
    /// Blocks.
    func response(with resource: RecordedResource, of recording: Recording, _ headers: HTTPHeaders) -> Response {
        do throws(StorageFailure) {
            switch resource {
            case .playlist(let name): return try text(named: name, .playlist, of: recording, headers)
            case .text(let name): return try text(named: name, .webVTT, of: recording, headers)
            case .picture(let name):
                let file = try recording.file(named: name)
                return whole(file, .jpeg, changingPolicy(of: recording), tag: Self.version(of: file), headers)
            case .initialization(let rendition, let number):
                let name = RecordingFolder.initialization(of: rendition, number: number)
                return whole(try recording.file(named: name), .mp4, .immutable, tag: "\(recording.id)-\(name)", headers)
            case .download: return .unreadable  // That is no single file: the router has it made.
            case .segment(let rendition, let number):
                return try segment(number, in: rendition, of: recording, headers)
            }
        } catch {
            return failure(error)
        }
    }

    /// What a failure of the disk becomes, on the surface for players.
    private func failure(_ failure: StorageFailure) -> Response {
        if failure.isAbsence { return .failure(.notFound, "The recording has nothing of this name.", on: .media) }
        logger.warning("recording could not be read", metadata: ["error.type": "\(failure)"])
        return .unreadable
    }

    // MARK: - Forms

    private func segment(
        _ number: Int,
        in rendition: Rendition.ID,
        of recording: Recording,
        _ headers: HTTPHeaders
    ) throws(StorageFailure) -> Response {
        guard let location = try recording.location(of: number, in: rendition) else {
            return .failure(.notFound, "The recording has no such segment.", on: .media)
        }
        guard let slice = try recording.segment(at: location, in: rendition) else {
            return .failure(.gone, "This segment was lost when it was recorded.", on: .media)
        }
        return response(with: slice, number, in: rendition, of: recording, headers)
    }

    /// Answers with a segment that was asked for of late, or the bytes of it that are asked for; `nil` for any other resource.
    ///
    /// Looks at no disk.
    func knownResponse(
        with resource: RecordedResource,
        of recording: Recording,
        _ headers: HTTPHeaders
    ) -> Response? {
        guard case .segment(let rendition, let number) = resource,
            let slice = recording.knownSegment(number, in: rendition)
        else { return nil }
        return response(with: slice, number, in: rendition, of: recording, headers)
    }

    private func response(
        with slice: FileSlice,
        _ number: Int,
        in rendition: Rendition.ID,
        of recording: Recording,
        _ headers: HTTPHeaders
    ) -> Response {
        let tag = "\"\(recording.id)-\(rendition)-\(number)\""
        let form = Representation(type: .mp4, coding: nil, policy: .immutable, tag: tag, file: FileSequence(slice))
        return form.response(to: headers) { form.whole(headers) }
    }

    private func whole(
        _ file: KeptFile,
        _ type: MediaType,
        _ policy: CachePolicy,
        tag: String,
        _ headers: HTTPHeaders
    ) -> Response {
        let whole = FileSequence(file.whole)
        let form = Representation(type: type, coding: nil, policy: policy, tag: "\"\(tag)\"", file: whole)
        return form.response(to: headers) { form.whole(headers) }
    }

    /// A text, compressed where the client takes that.
    private func text(
        named name: String,
        _ type: MediaType,
        of recording: Recording,
        _ headers: HTTPHeaders
    ) throws(StorageFailure) -> Response {
        let file = try recording.file(named: name)
        let policy = changingPolicy(of: recording)
        let tag = Self.version(of: file)
        if file.byteCount >= Self.smallestCompressed, ContentCoding.preferred(by: headers) == .gzip,
            let compressed = compression.file(of: file, named: name, in: recording, logger)
        {
            let form = Representation(
                type: type,
                coding: .gzip,
                policy: policy,
                tag: "\"\(tag)-gzip\"",
                file: FileSequence(compressed.whole)
            )
            return form.whole(headers)
        }
        let whole = FileSequence(file.whole)
        let form = Representation(type: type, coding: .identity, policy: policy, tag: "\"\(tag)\"", file: whole)
        return form.whole(headers)
    }

    /// How long caches may keep what is exchanged as a whole when it changes.
    private func changingPolicy(of recording: Recording) -> CachePolicy {
        recording.facts.state == .ready ? .brief(seconds: Self.cacheSeconds) : .revalidated
    }

    /// Tells a file from the ones that had its name before.
    private static func version(of file: KeptFile) -> String {
        String(file.modificationTime, radix: 36) + "-" + String(file.byteCount, radix: 36)
    }
}

extension StorageFailure {
    /// Whether it only says that there is no such file.
    var isAbsence: Bool {
        if case .system(_, _, Self.noSuchFile) = self { true } else { false }
    }
}
