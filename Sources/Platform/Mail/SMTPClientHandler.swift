internal import Kernel
internal import NIOCore
internal import NIOSSL

/// Does on a channel what an ``SMTPClientMachine`` decides.
final class SMTPClientHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What it needs to know beside the machine.
    struct Delivery: Sendable {
        let document: MailDocument
        let sender: MailSender
        let configuration: SMTPConfiguration
        let makeTLS: @Sendable () throws -> NIOSSLClientHandler
        /// Succeeds when the mail is delivered.
        let outcome: EventLoopPromise<Void>
    }

    private let delivery: Delivery
    private var machine: SMTPClientMachine?
    private var reader = SMTPReplyReader()
    private var timeout: Scheduled<Void>?
    private var isDone = false

    init(_ delivery: Delivery) { self.delivery = delivery }

    // MARK: - Events

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard machine == nil else { return }
        let envelope = SMTPClientMachine.Envelope(
            sender: delivery.sender.address,
            recipient: delivery.document.recipient,
            size: delivery.document.bytes.count
        )
        let name = Self.addressLiteral(context.channel.localAddress)
        machine = SMTPClientMachine(delivery.configuration, envelope, clientName: name)
        awaitReply(context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = ArraySlice(unwrapInboundIn(data).readableBytesView)
        while !isDone, !bytes.isEmpty {
            do {
                guard let reply = try reader.read(&bytes), let action = machine?.received(reply) else { return }
                // What follows in the clear may be from anybody (RFC 3207 §6; CVE-2011-0411).
                if case .secure = action, !bytes.isEmpty {
                    return failed("the server, or somebody between, sent more before TLS", context)
                }
                perform(action, context)
            } catch {
                failed("the server sent what is no SMTP: \(error)", context)
            }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        failed("the connection was closed", context)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        failed(SMTPMailer.words(for: error), context)
    }

    private func failed(_ reason: String, _ context: ChannelHandlerContext) {
        guard !isDone else { return }
        let action = machine?.failed(reason) ?? .finish(.temporary(reason), withQuit: false)
        perform(action, context)
    }

    // MARK: - Actions

    private func perform(_ action: SMTPClientMachine.Action, _ context: ChannelHandlerContext) {
        switch action {
        case .none: break
        case .send(let line): send(Array("\(line)\r\n".utf8), context)
        case .sendDocument: send(delivery.document.dotStuffed, context)
        case .secure(let line):
            do {
                // It holds back what is written until the handshake is done.
                let tls = try delivery.makeTLS()
                try context.pipeline.syncOperations.addHandler(tls, position: .first)
                send(Array("\(line)\r\n".utf8), context)
            } catch {
                failed(SMTPMailer.words(for: error), context)
            }
        case .finish(let error, let withQuit): finish(error, withQuit, context)
        }
    }

    private func send(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
        awaitReply(context)
    }

    private func awaitReply(_ context: ChannelHandlerContext) {
        timeout?.cancel()
        let isDelivering = machine?.isDelivering ?? false
        let limit = isDelivering ? delivery.configuration.deliveryTimeout : delivery.configuration.replyTimeout
        timeout = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limit)) { [self] in
            failed("the server did not answer for \(limit)", context)
        }
    }

    private func finish(_ error: MailError?, _ withQuit: Bool, _ context: ChannelHandlerContext) {
        isDone = true
        timeout?.cancel()
        if let error { delivery.outcome.fail(error) } else { delivery.outcome.succeed() }
        // The answer to QUIT would tell nothing.
        if withQuit { context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "QUIT\r\n")), promise: nil) }
        context.close(promise: nil)
    }

    /// Our address as the name of a client that may have none (RFC 5321 §4.1.3).
    static func addressLiteral(_ address: SocketAddress?) -> String {
        switch address {
        case .v4: "[\(address?.ipAddress ?? "127.0.0.1")]"
        case .v6: "[IPv6:\((address?.ipAddress ?? "::1").prefix { $0 != "%" })]"
        default: "[127.0.0.1]"
        }
    }
}
