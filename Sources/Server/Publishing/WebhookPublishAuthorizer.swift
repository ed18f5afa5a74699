import AsyncHTTPClient
import Cryptography
import Foundation
import Logging
import MediaCore
import NIOCore
import NIOHTTP1
import Synchronization

/// Asks an HTTP webhook who may publish.
///
/// Each try may take 2 s; after a failure it is tried twice more, after 200 to 400 ms and 400 to 800 ms: the encoder has its
/// answer within 7.2 s. When there is none the encoder is refused: a server that cannot ask lets nobody in.
final class WebhookPublishAuthorizer: PublishAuthorizer {
    private static let tries = 3
    private static let timeout = TimeAmount.seconds(2)
    private static let firstPause = Duration.milliseconds(200)
    /// Requests under way at once; a crowd behind them is told to come back.
    private static let maximumConcurrency = 64

    private let url: String
    private let webhook: PublishWebhook
    private let client: HTTPClient
    private let logger: Logger
    private let underWay = Mutex(0)

    /// An authorizer that asks one address.
    ///
    /// - Parameters:
    ///   - url: where to ask, http or https.
    ///   - secret: signs the requests.
    ///   - group: the event loops to run on.
    ///   - logger: told when the webhook does not answer.
    init(url: String, secret: Secret, group: any EventLoopGroup, logger: Logger) {
        self.url = url
        webhook = PublishWebhook(secret: secret)
        self.logger = logger
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.timeout.connect = Self.timeout
        client = HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration)
    }

    /// Ends what is under way.
    func shutDown() async {
        try? await client.shutdown()
    }

    /// Allows, refuses or renames as the webhook says.
    func authorize(_ request: PublishRequest, on eventLoop: any EventLoop) -> EventLoopFuture<PublishDecision> {
        let isFree = underWay.withLock { count in
            guard count < Self.maximumConcurrency else { return false }
            count += 1
            return true
        }
        guard isFree else {
            return eventLoop.makeSucceededFuture(.deny(Self.unavailable("too many encoders at once: try again")))
        }
        return eventLoop.makeFutureWithTask {
            let decision = await self.ask(about: request)
            self.underWay.withLock { $0 -= 1 }
            return decision
        }
    }

    private func ask(about request: PublishRequest) async -> PublishDecision {
        let body = PublishWebhook.body(request, id: Randomness.token(bits: 96))
        for number in 1...Self.tries {
            let answer = await post(body)
            switch answer {
            case .decision(let decision): return decision
            case .fault(let problem):
                logger.error("publish webhook misunderstood", metadata: ["reason": "\(problem)"])
                return .deny(Self.unavailable("the server could not check the stream key"))
            case .retry(let problem):
                logger.warning(
                    "publish webhook does not answer",
                    metadata: ["reason": "\(problem)", "webhook.try": "\(number) of \(Self.tries)"]
                )
                guard number < Self.tries else { break }
                let pause = Self.firstPause * (1 << (number - 1))
                try? await Task.sleep(for: pause + pause * Double.random(in: 0...1))
            }
        }
        return .deny(Self.unavailable("the server could not check the stream key"))
    }

    private func post(_ body: String) async -> PublishWebhook.Answer {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.headers.add(name: "Accept", value: "application/json")
        let time = Int64(Date().timeIntervalSince1970)
        request.headers.add(name: PublishWebhook.signatureField, value: webhook.signature(of: body, time: time))
        request.body = .bytes(ByteBuffer(string: body))
        do {
            let response = try await client.execute(request, timeout: Self.timeout)
            let content = try await response.body.collect(upTo: PublishWebhook.maximumAnswerLength)
            return PublishWebhook.answer(status: Int(response.status.code), body: Array(content.readableBytesView))
        } catch is NIOTooManyBytesError {
            return .fault("an answer of more than \(PublishWebhook.maximumAnswerLength) bytes")
        } catch {
            return .retry("\(error)")
        }
    }

    /// Not a wrong key: the throttle must not count it.
    private static func unavailable(_ reason: String) -> PublishRefusal { PublishRefusal(.badName, reason: reason) }
}
