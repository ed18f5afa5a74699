import Logging
import NIOCore
import NIOHTTP1

/// What a connection needs to answer requests, and the handlers of one that speaks HTTP/1.1.
///
/// Belongs to the connection's event loop.
struct Answering {
    let router: Router
    /// The peer's, without its port.
    let peerAddress: String
    let preamble: ResponsePreamble
    /// What was read on the connection's event loop.
    let known: KnownRequests
    let gate: ConnectionGate
    let limits: OriginLimits
    let logger: Logger

    /// The handlers of an HTTP/1.1 connection, the one nearest to the socket first.
    ///
    /// - Parameters:
    ///   - now: this moment.
    ///   - sendsRegions: whether the system may send files itself, as where there is no TLS.
    /// - Returns: the handlers.
    func handlers(now: NIODeadline, sendsRegions: Bool) -> [any ChannelHandler] {
        let answerer = MediaRequestHandler(self, sendsRegions: sendsRegions)
        return [
            ConnectionWatchHandler(before: answerer, known, limits: limits, now: now),
            ByteToMessageHandler(HTTPRequestDecoder(limits)), answerer,
        ]
    }
}

@available(*, unavailable)
extension Answering: Sendable {}

extension HTTPDecoder where In == HTTPServerRequestPart, Out == HTTPServerResponsePart {
    fileprivate convenience init(_ limits: OriginLimits) {
        var configuration = NIOHTTPDecoderLimitConfiguration()
        configuration.maxHeaderFieldSize = limits.headerFieldSize
        configuration.maxHeaderListSize = limits.headerListSize
        configuration.maxHeaderFieldCount = limits.headerFieldCount
        self.init(
            leftOverBytesStrategy: .dropBytes,
            informationalResponseStrategy: .drop,
            limitConfiguration: configuration
        )
    }
}
