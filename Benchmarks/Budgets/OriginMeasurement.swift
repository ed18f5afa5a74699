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
            gate: ConnectionGate(limits: limits),
            limits: limits,
            logger: Logger(label: "budgets", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        try channel.pipeline.syncOperations.addHandlers(answering.handlers(now: channel.eventLoop.now))
        try channel.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 1)).wait()
    }

    /// What one GET costs, in the middle of many.
    func costOfGet(
        _ path: String,
        warmUp: Int = 200,
        count: Int = 1000
    ) throws -> (allocations: Double, copiedBytes: Double) {
        let request = ByteBuffer(string: "GET \(path) HTTP/1.1\r\nHost: example.org\r\nAccept: */*\r\n\r\n")
        guard try get(request) > 0 else { throw MeasurementError("\(path): no answer") }
        for _ in 0..<warmUp { _ = try get(request) }
        let before = Counters.now
        for _ in 0..<count { _ = try get(request) }
        let used = Counters.now - before
        return (Double(used.allocations) / Double(count), Double(used.copiedBytes) / Double(count))
    }

    /// The size of the answer; throws unless that is 200.
    private func get(_ request: ByteBuffer) throws -> Int {
        try channel.writeInbound(request)
        var count = 0
        while let piece = try channel.readOutbound(as: ByteBuffer.self) {
            // "HTTP/1.1 200": what is compared is one integer, which allocates nothing.
            if count == 0, piece.getInteger(at: piece.readerIndex + 8, as: UInt32.self) != 0x2032_3030 {
                throw MeasurementError(String(buffer: piece))
            }
            count += piece.readableBytes
        }
        return count
    }
}
