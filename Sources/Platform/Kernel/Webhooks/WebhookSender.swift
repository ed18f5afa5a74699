internal import AsyncHTTPClient
internal import Dispatch
internal import Foundation
internal import Glibc
internal import NIOCore
internal import NIOHTTP1
public import Postgres

/// Sends events to addresses that people have given, as jobs.
///
/// Each attempt checks the target anew (``WebhookTargetPolicy``), resolves its name once, checks what it resolved to,
/// and connects to an address that was checked. The answer's status decides; its body is not read, and redirects are
/// not followed.
public struct WebhookSender: Sendable {
    /// The kind of the jobs.
    public static let kind = "webhook.send"

    /// Ten attempts over about a day.
    static let retry = RetryPolicy(maximumAttempts: 10, first: .seconds(30), longest: .seconds(6 * 3600))

    /// How long an attempt may take.
    private static let timeout: Int64 = 10

    /// A webhook to be sent.
    public struct Delivery: Sendable, Codable, Equatable {
        /// Where to.
        public let url: String
        /// Whose secret signs it: an id for the sender's `secret`, not the secret itself.
        public let signer: String
        /// What happened, for the header `Lyceum-Event`.
        public let event: String
        /// Which delivery it is, the same at each attempt, for the header `Lyceum-Delivery`.
        public let id: String
        /// The JSON that is sent.
        public let body: String

        /// Makes a delivery.
        ///
        /// - Parameters:
        ///   - url: where to.
        ///   - signer: whose secret signs it.
        ///   - event: what happened; a token of HTTP.
        ///   - id: which delivery it is; a token of HTTP.
        ///   - body: JSON.
        public init(url: String, signer: String, event: String, id: String, body: String) {
            self.url = url
            self.signer = signer
            self.event = event
            self.id = id
            self.body = body
        }
    }

    private let policy: WebhookTargetPolicy
    private let secret: @Sendable (String) async throws -> [UInt8]?
    private let resolve: @Sendable (String) async throws -> [IPAddress]

    /// A sender.
    ///
    /// - Parameters:
    ///   - policy: which targets there may be.
    ///   - secret: the secret of a signer; nil when it is gone, and with it its webhook.
    ///   - resolve: the addresses of a name; the system's resolver by default.
    public init(
        policy: WebhookTargetPolicy,
        secret: @escaping @Sendable (String) async throws -> [UInt8]?,
        resolve: @escaping @Sendable (String) async throws -> [IPAddress] = Self.systemAddresses
    ) {
        self.policy = policy
        self.secret = secret
        self.resolve = resolve
    }

    /// Enqueues a delivery in the transaction of the connection; the target is checked when it is sent.
    @discardableResult
    public static func enqueue(_ delivery: Delivery, on connection: Connection) throws -> String? {
        try WorkQueue.enqueue(try NewJob(kind: kind, of: delivery, dedupeKey: delivery.id), on: connection)
    }

    /// The handler that sends, to be given to the ``WorkQueue``.
    public var handler: JobHandler {
        JobHandler(kind: Self.kind, retry: Self.retry) { run in
            try await send(try run.payload(as: Delivery.self), at: Date())
        }
    }

    /// Sends once.
    ///
    /// - Throws: ``JobError/permanent(_:)`` when the target is refused or says 410; another error when it may be tried
    ///   again.
    func send(_ delivery: Delivery, at time: Date) async throws {
        let target: WebhookTarget
        let address: IPAddress
        do {
            target = try policy.target(delivery.url)
            let found = if let literal = IPAddress(target.host) { [literal] } else { try await resolve(target.host) }
            address = try policy.addresses(found, of: target.host)[0]
        } catch let error as WebhookTargetError {
            if case .unresolved = error { throw error }
            throw JobError.permanent("target refused: \(error)")
        }
        guard let secret = try await secret(delivery.signer) else {
            throw JobError.permanent("no secret of \(delivery.signer)")
        }
        let status = try await post(delivery, to: target, address, secret: secret, at: time)
        switch status {
        case 200..<300: return
        case 410: throw JobError.permanent("receiver answered 410")
        default: throw WebhookRefused(status: status)
        }
    }

    private func post(
        _ delivery: Delivery,
        to target: WebhookTarget,
        _ address: IPAddress,
        secret: [UInt8],
        at time: Date
    ) async throws -> UInt {
        // The connection goes to the address that was checked; the name stays in `Host` and in the check of the
        // certificate.
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.dnsOverride = [target.host: address.description]
        configuration.timeout.connect = .seconds(5)
        configuration.timeout.read = .seconds(Self.timeout)
        configuration.proxy = nil
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let body = Array(delivery.body.utf8)
        var request = HTTPClientRequest(url: target.url)
        request.method = .POST
        request.headers = [
            "Content-Type": "application/json", "User-Agent": "Lyceum-Webhooks", "Lyceum-Event": delivery.event,
            "Lyceum-Delivery": delivery.id,
            WebhookSignature.header: WebhookSignature.value(
                for: body,
                at: Int64(time.timeIntervalSince1970),
                secret: secret
            ),
        ]
        request.body = .bytes(ByteBuffer(bytes: body))
        let result: Result<UInt, any Error>
        do {
            result = .success(try await client.execute(request, timeout: .seconds(Self.timeout)).status.code)
        } catch {
            result = .failure(error)
        }
        try await client.shutdown()
        return try result.get()
    }

    /// What the system's resolver says of a name.
    public static let systemAddresses: @Sendable (String) async throws -> [IPAddress] = { host in
        await withCheckedContinuation { continuation in
            // The resolver blocks, for many seconds at times.
            DispatchQueue.global(qos: .utility).async { continuation.resume(returning: lookUp(host)) }
        }
    }

    private static func lookUp(_ host: String) -> [IPAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0, let list else { return [] }
        defer { freeaddrinfo(list) }
        var addresses: [IPAddress] = []
        var next: UnsafeMutablePointer<addrinfo>? = list
        while let entry = next {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let length = socklen_t(text.count)
            if getnameinfo(entry.pointee.ai_addr, entry.pointee.ai_addrlen, &text, length, nil, 0, NI_NUMERICHOST) == 0
            {
                let name = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
                // A zone names an interface of this machine: such an address is link-local.
                if let address = IPAddress(name.prefix { $0 != "%" }) { addresses.append(address) }
            }
            next = entry.pointee.ai_next
        }
        return addresses
    }
}

/// A receiver has not taken a webhook; it may the next time.
struct WebhookRefused: Error, CustomStringConvertible {
    let status: UInt
    var description: String { "receiver answered \(status)" }
}
