import Logging
import MediaCore
import NIOCore
import NIOHTTP1
import NIOPosix
import Recordings
import Storage
import TestSupport

@testable import Origin

/// A catalog of recordings in a folder of its own, and a router that serves them.
final class Recorded: Sendable {
    static let token = "operators-token"
    static let authorization = ("Authorization", "Bearer \(token)")

    let folder: TemporaryFolder
    let storage: MediaStorage
    let catalog: RecordingCatalog
    let archive: RecordingArchive?
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    // The recordings are what lies there.
    init(_ recordings: RecordedFolder..., store: (any ObjectStore)? = nil) throws {
        folder = try TemporaryFolder()
        storage = try MediaStorage(directory: folder.file("media"), logger: logger)
        for recording in recordings { try recording.write(to: folder.file("recordings")) }
        catalog = try RecordingCatalog(
            directory: folder.file("recordings"),
            storage: storage,
            store: store,
            randomBytes: { Array(repeating: 7, count: $0) },
            logger: logger
        )
        archive = store.map { [catalog, logger] store in
            RecordingArchive(catalog: catalog, store: store, now: { 1 }, logger: logger)
        }
    }

    /// A router that finds them.
    func router(
        access: ViewerAccess? = nil,
        hlsJavaScript: ByteBuffer? = nil,
        consultations: ConsultationCount = ConsultationCount()
    ) -> Router {
        var router = Fixture().router(hlsJavaScript: hlsJavaScript, access: access)
        router.recordings = RecordedMedia(catalog, archive: archive, logger: logger)
        router.operators = OperatorAPI(
            token: Secret(Self.token),
            directory: NobodyPublishes(),
            restreams: NobodyPublishes()
        )
        router.disk = DiskReader(consultations: consultations)
        return router
    }

    /// The handlers' surroundings for one connection.
    func answering(_ router: Router, _ limits: OriginLimits = OriginLimits()) -> Answering {
        Answering(
            router: router,
            peerAddress: "192.0.2.1",
            preamble: ResponsePreamble { 0 },
            known: KnownRequests(),
            gate: ConnectionGate(limits: limits),
            limits: limits,
            logger: logger
        )
    }

    /// Listens on loopback, for connections that get the real handlers.
    func listen(_ router: Router) async throws -> any Channel {
        try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.socketOption(.so_sndbuf), value: 64 << 10)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handlers = self.answering(router).handlers(now: channel.eventLoop.now, sendsRegions: true)
                    try channel.pipeline.syncOperations.addHandlers(handlers)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    private struct NobodyPublishes: PublishDirectory, RestreamDirectory {
        var publishes: [PublishStatus] { [] }
        func publish(of stream: StreamID) -> PublishStatus? { nil }
        func endPublish(of stream: StreamID) -> Bool { false }
        func restreams(of stream: StreamID) -> [RestreamStatus] { [] }
    }
}

extension Router {
    /// The response to a request, with what blocks done here.
    func consult(
        _ method: HTTPMethod,
        _ target: String,
        _ fields: [(String, String)] = [],
        body: String? = nil
    ) -> Response {
        var headers = HTTPHeaders([("Host", "example.org")] + fields)
        if body != nil { headers.add(name: "Content-Type", value: "application/json") }
        let head = HTTPRequestHead(version: .http1_1, method: method, uri: target, headers: headers)
        let content = body.map { RequestContent.whole(ByteBuffer(string: $0)) } ?? .none
        var outcome = outcome(of: head, content, from: "192.0.2.1", mayHold: false)
        while true {
            switch outcome {
            case .answer(let answer): return answer.response
            case .consult(let consultation):
                guard case .blocking(let work) = consultation.work else { preconditionFailure("there is no store") }
                outcome = work()
            case .hold, .load, .commission: preconditionFailure("no request of a recording waits for that")
            }
        }
    }

    /// The response to a GET, its body read from the disk where it lies there.
    func fetch(_ target: String, _ fields: [(String, String)] = []) throws -> WireResponse {
        var response = consult(.GET, target, fields)
        if let file = response.file { response.pieces = [try file.read(0..<file.length)] }
        return WireResponse(response)
    }
}
