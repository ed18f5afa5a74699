public import Foundation
public import Kernel
public import Logging
public import NIOCore
internal import NIOPosix
internal import NIOSSL
public import TLS

/// Sends mail through an SMTP server, one connection for each mail.
///
/// There is no library for this among the packages; see ``SMTPClientMachine`` for what it does.
public struct SMTPMailer: Mailer {
    private let configuration: SMTPConfiguration
    private let sender: MailSender
    private let tls: ClientTLS
    private let group: any EventLoopGroup
    private let now: @Sendable () -> Date
    private let logger: Logger

    /// A mailer; nothing is connected.
    ///
    /// - Parameters:
    ///   - configuration: the server.
    ///   - sender: whom mail is from.
    ///   - tls: the authorities that the server's certificate has to be signed by.
    ///   - group: where connections live.
    ///   - now: the time of day.
    ///   - logger: told of each mail that is delivered, without its content.
    public init(
        _ configuration: SMTPConfiguration,
        sender: MailSender,
        tls: ClientTLS,
        group: any EventLoopGroup,
        now: @escaping @Sendable () -> Date = { Date() },
        logger: Logger
    ) {
        self.configuration = configuration
        self.sender = sender
        self.tls = tls
        self.group = group
        self.now = now
        self.logger = logger
    }

    /// Hands a mail to the server; when the task is cancelled, the connection is closed.
    ///
    /// - Throws: ``MailError``: permanent when the server refuses this mail for good, or it cannot be written; temporary for all
    ///   else, a wrong password or certificate included.
    public func send(_ message: MailMessage) async throws(MailError) {
        let document = try MailDocument(message, from: sender, at: now())
        let eventLoop = group.next()
        let outcome = eventLoop.makePromise(of: Void.self)
        let delivery = SMTPClientHandler.Delivery(
            document: document,
            sender: sender,
            configuration: configuration,
            makeTLS: { try makeTLS() },
            outcome: outcome
        )
        do {
            let channel = try await connect(delivery, on: eventLoop)
            try await withTaskCancellationHandler {
                try await outcome.futureResult.get()
            } onCancel: {
                channel.close(promise: nil)
            }
        } catch let error as MailError {
            throw error
        } catch {
            outcome.fail(error)
            throw .temporary(Self.words(for: error))
        }
        logger.info(
            "mail was delivered",
            metadata: ["mail.id": "\(document.identifier)", "smtp.server": "\(configuration)"]
        )
    }

    private func connect(
        _ delivery: SMTPClientHandler.Delivery,
        on eventLoop: any EventLoop
    ) async throws -> any Channel {
        try await ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(configuration.connectTimeout))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if configuration.security == .implicit { try pipeline.addHandler(makeTLS()) }
                    try pipeline.addHandler(SMTPClientHandler(delivery))
                }
            }
            .connect(host: configuration.host, port: configuration.port)
            .get()
    }

    /// The certificate has to be for the server's name; for an address there is none to ask for (RFC 6066 §3).
    private func makeTLS() throws -> NIOSSLClientHandler {
        let isAddress = (try? SocketAddress(ipAddress: configuration.host, port: 0)) != nil
        return try NIOSSLClientHandler(context: tls.context, serverHostname: isAddress ? nil : configuration.host)
    }

    /// What went wrong, for operators.
    static func words(for error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            let reasons = error.connectionErrors.map { "\($0.target): \($0.error)" }
            return reasons.isEmpty ? "the name \(error.host) was not found" : reasons.joined(separator: "; ")
        case let error as NIOSSLError: return "TLS did not come about: \(error)"
        default: return "\(error)"
        }
    }
}
