import LiveStore
import Logging
import NIOCore
import NIOEmbedded

@testable import Origin

/// One HTTP/1.1 connection without its socket: from the bytes of a request to those of its answer.
struct OriginMeasurement {
    private let channel = EmbeddedChannel()

    /// A connection to an origin that everybody may watch.
    init(_ store: LiveStore) throws {
        let limits = OriginLimits()
        let assets = AssetCatalog(hlsJavaScript: nil)
        let router = Router(
            store: store,
            assets: assets,
            pages: Pages(assets: assets, hlsAddress: nil, rtmpPort: nil),
            readiness: { .ready },
            maximumTargetLength: limits.requestTargetLength
        )
        let answering = Answering(
            router: router,
            peerAddress: "192.0.2.1",
            preamble: ResponsePreamble(secondsSinceEpoch: { 0 }),
            known: KnownRequests(),
            gate: ConnectionGate(limits: limits),
            limits: limits,
            logger: Logger(label: "budgets", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        try channel.pipeline.syncOperations.addHandlers(
            answering.handlers(now: channel.eventLoop.now, sendsRegions: true)
        )
        try channel.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 1)).wait()
    }

    /// What one GET costs, in the middle of many.
    ///
    /// - Parameters:
    ///   - path: what is asked for.
    ///   - isKnown: whether the requests are alike, so that they were read before; else so many differ that none is known.
    /// - Returns: the allocations and the copied bytes of one request and its answer.
    /// - Throws: `MeasurementError` for any answer but 200.
    func costOfGet(_ path: String, isKnown: Bool) throws -> (allocations: Double, copiedBytes: Double) {
        let requests = (0..<(isKnown ? 1 : 3 * KnownRequests.generationSize)).map { number in
            ByteBuffer(string: "GET \(path) HTTP/1.1\r\nHost: example.org\r\nX-Number: \(number)\r\n\r\n")
        }
        guard try get(requests[0]) > 0 else { throw MeasurementError("\(path): no answer") }
        let rounds = isKnown ? 1000 : 2
        for _ in 0..<rounds { for request in requests { _ = try get(request) } }
        let before = Counters.now
        for _ in 0..<rounds { for request in requests { _ = try get(request) } }
        let used = Counters.now - before
        let count = Double(rounds * requests.count)
        return (Double(used.allocations) / count, Double(used.copiedBytes) / count)
    }

    /// The size of the answer; throws unless that is 200.
    private func get(_ request: ByteBuffer) throws -> Int {
        try channel.writeInbound(request)
        var count = 0
        while let data = try channel.readOutbound(as: IOData.self) {
            guard case .byteBuffer(let piece) = data else { throw MeasurementError("a file, which is not measured") }
            // "HTTP/1.1 200": what is compared is one integer, which allocates nothing.
            if count == 0, piece.getInteger(at: piece.readerIndex + 8, as: UInt32.self) != 0x2032_3030 {
                throw MeasurementError(String(buffer: piece))
            }
            count += piece.readableBytes
        }
        return count
    }
}
