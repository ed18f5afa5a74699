import AsyncHTTPClient
import Glibc
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Storage

/// Sends signed requests to an S3 server, and sends them again where that can help.
struct S3Client: Sendable {
    /// The largest answer but an object: a page of 1000 long names has less.
    private static let largestAnswer = 8 << 20
    /// The slowest connection that is waited for, in bytes a second.
    private static let slowest = 64 << 10
    /// Connections to the server that are kept.
    private static let connections = 32

    /// An answer that is a success.
    struct Response: Sendable {
        var status: Int
        var fields: HTTPHeaders
        var body: [UInt8]
    }

    /// What a try came to.
    private enum Try {
        case success(Response)
        case broken(String)
        case problem(S3Problem)
    }

    let configuration: S3Configuration
    private let http: HTTPClient
    /// Reads what is sent: its own, because a disk that hangs holds it up.
    private let pool = NIOThreadPool(numberOfThreads: 2)
    private let now: @Sendable () -> Int64
    private let logger: Logger

    init(
        _ configuration: S3Configuration,
        group: any EventLoopGroup,
        now: @escaping @Sendable () -> Int64,
        logger: Logger
    ) {
        self.configuration = configuration
        self.now = now
        self.logger = logger
        var settings = HTTPClient.Configuration()
        settings.redirectConfiguration = .disallow
        settings.httpVersion = .http1Only
        settings.timeout.connect = configuration.connectTimeout
        settings.timeout.read = configuration.readTimeout
        settings.timeout.write = configuration.readTimeout
        // Tried again here, with an end to it.
        settings.connectionPool.retryConnectionEstablishment = false
        settings.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = Self.connections
        settings.dnsOverride = configuration.addresses
        http = HTTPClient(eventLoopGroupProvider: .shared(group), configuration: settings)
        pool.start()
    }

    func shutDown() async {
        try? await http.shutdown()
        try? await pool.shutdownGracefully()
    }

    /// Ends what is under way, and what waits for nobody.
    func abandon() {
        // That it was shut down already is no news.
        http.shutdown { _ in }
        pool.shutdownGracefully { _ in }
    }

    // MARK: - Requests with small answers

    /// Sends a request until it succeeds, or cannot.
    ///
    /// - Parameters:
    ///   - request: the request.
    ///   - isFailure: looks at a success that may be none: S3 answers 200 to some requests before it knows.
    /// - Returns: the answer.
    /// - Throws: why there is none.
    func send(
        _ request: S3Request,
        unless isFailure: (XMLElement) -> Bool = { $0.name == "Error" }
    ) async throws(ObjectStoreFailure) -> Response {
        let hash = try await payloadHash(of: request.content)
        var number = 1
        while true {
            let problem: ObjectStoreFailure
            switch try await attempt(request, hash, isFailure) {
            case .success(let response): return response
            case .broken(let words): problem = .unavailable("\(words), after \(number) tries")
            case .problem(let answer): problem = answer.failure(request.key, configuration: configuration, now: now())
            }
            guard case .unavailable(let words) = problem else { throw problem }
            try await pause(after: number, words, problem)
            number += 1
        }
    }

    private func payloadHash(of content: S3Request.Content) async throws(ObjectStoreFailure) -> String {
        if case .none = content { return SignatureV4.emptyPayload }
        guard configuration.signsContent else { return SignatureV4.unsignedPayload }
        do {
            return try await pool.runIfActive { try content.hash() }
        } catch let failure as StorageFailure {
            throw .disk(failure)
        } catch {
            throw Task.isCancelled ? .cancelled : .unavailable("\(error)")
        }
    }

    /// Waits before the next try.
    ///
    /// - Throws: the failure, when there is to be no other.
    private func pause(
        after number: Int,
        _ words: String,
        _ failure: ObjectStoreFailure
    ) async throws(ObjectStoreFailure) {
        guard let pause = configuration.retries.pause(after: number, jitter: .random(in: 0...1)) else { throw failure }
        logger.info("object store is asked again", metadata: ["reason": "\(words)", "store.try": "\(number)"])
        do {
            try await Task.sleep(for: pause)
        } catch {
            throw .cancelled
        }
    }

    private func attempt(
        _ request: S3Request,
        _ hash: String,
        _ isFailure: (XMLElement) -> Bool
    ) async throws(ObjectStoreFailure) -> Try {
        var (message, trouble) = message(request, hash)
        if case .none = request.content, request.method == .PUT || request.method == .POST {
            message.body = .bytes(ByteBuffer())
        }
        do {
            let response = try await http.execute(
                message,
                deadline: deadline(for: request.content.byteCount),
                logger: logger
            )
            // A HEAD has the length of what it does not have.
            let body =
                request.method == .HEAD
                ? [] : Array(try await response.body.collect(upTo: Self.largestAnswer).readableBytesView)
            let status = Int(response.status.code)
            guard (200...299).contains(status) else { return .problem(problem(response, body)) }
            if let root = XMLReader.root(of: body), isFailure(root) {
                return .problem(S3Problem(error: root, status: status))
            }
            return .success(Response(status: status, fields: response.headers, body: body))
        } catch is NIOTooManyBytesError {
            throw .misunderstood("an answer of more than \(Self.largestAnswer) bytes")
        } catch {
            if let failure = trouble?.failure { throw .disk(failure) }
            guard !Task.isCancelled else { throw .cancelled }
            return .broken(Self.words(error))
        }
    }

    private func deadline(for byteCount: Int) -> NIODeadline {
        .now() + configuration.requestTimeout + .seconds(Int64(byteCount / Self.slowest))
    }

    private func message(_ request: S3Request, _ hash: String) -> (HTTPClientRequest, FileChunks.Trouble?) {
        let signed = request.signed(for: configuration, payloadHash: hash, time: now())
        var message = HTTPClientRequest(url: signed.url)
        message.method = request.method
        message.headers = HTTPHeaders(signed.fields.map { ($0.name, $0.value) })
        switch request.content {
        case .none: return (message, nil)
        case .bytes(let bytes):
            message.body = .bytes(bytes)
            return (message, nil)
        case .file(let file, let range):
            let chunks = FileChunks(file: file, range: range, pool: pool)
            message.body = .stream(chunks, length: .known(Int64(range.count)))
            return (message, chunks.trouble)
        }
    }

    private func problem(_ response: HTTPClientResponse, _ body: [UInt8]) -> S3Problem {
        S3Problem(
            status: Int(response.status.code),
            body: body,
            region: response.headers.first(name: "x-amz-bucket-region"),
            serverTime: response.headers.first(name: "date").flatMap(Self.time)
        )
    }

    /// A time such as `Wed, 21 Oct 2015 07:28:00 GMT` (RFC 9110 §5.6.7).
    static func time(_ text: String) -> Int64? {
        let words = text.split(whereSeparator: { " ,:".contains($0) })
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard words.count == 8, words[7] == "GMT", let month = months.firstIndex(of: String(words[2])) else {
            return nil
        }
        let numbers = [1, 3, 4, 5, 6].compactMap { Int32(words[$0]) }
        guard numbers.count == 5, (1970...9999).contains(numbers[1]) else { return nil }
        var parts = tm()
        (parts.tm_mday, parts.tm_mon, parts.tm_year) = (numbers[0], Int32(month), numbers[1] - 1900)
        (parts.tm_hour, parts.tm_min, parts.tm_sec) = (numbers[2], numbers[3], numbers[4])
        return Int64(timegm(&parts))
    }

    /// What a connection's error is called.
    private static func words(_ error: any Error) -> String {
        switch error as? HTTPClientError {
        case .connectTimeout?: "no connection in time"
        case .readTimeout?, .deadlineExceeded?: "no answer in time"
        case .writeTimeout?: "it took nothing in time"
        case .remoteConnectionClosed?: "the connection broke"
        default: "\(error)"
        }
    }

    // MARK: - Objects

    /// How much has to arrive before a connection that breaks counts as the first that did.
    private static let progressByteCount = 256 << 10

    /// Reads bytes of an object; see ``ObjectStore/read(_:_:_:)``.
    func read(
        _ key: ObjectKey,
        _ range: Range<Int>,
        _ receive: (ByteBuffer) async throws(ObjectStoreFailure) -> Void
    ) async throws(ObjectStoreFailure) {
        var transfer = ObjectTransfer(key: key, range: range)
        var number = 1
        while !transfer.isComplete {
            let start = transfer.offset
            let words: String
            switch try await fetch(&transfer, receive) {
            case nil: continue
            case .unavailable(let reason): words = reason
            case let failure?: throw failure
            }
            if transfer.offset - start >= Self.progressByteCount { number = 1 }
            try await pause(after: number, words, .unavailable("\(words), after \(number) tries"))
            number += 1
        }
    }

    /// Reads what is missing over one connection.
    ///
    /// - Returns: why something is missing still.
    private func fetch(
        _ transfer: inout ObjectTransfer,
        _ receive: (ByteBuffer) async throws(ObjectStoreFailure) -> Void
    ) async throws(ObjectStoreFailure) -> ObjectStoreFailure? {
        let (message, _) = message(transfer.request, SignatureV4.emptyPayload)
        let response: HTTPClientResponse
        do {
            response = try await http.execute(message, deadline: deadline(for: transfer.missing), logger: logger)
            guard [200, 206].contains(response.status.code) else {
                let body = try await response.body.collect(upTo: Self.largestAnswer)
                let problem = problem(response, Array(body.readableBytesView))
                return problem.failure(transfer.key, configuration: configuration, now: now())
            }
        } catch {
            guard !Task.isCancelled else { throw .cancelled }
            return .unavailable(Self.words(error))
        }
        try transfer.begin(status: Int(response.status.code), response.headers)
        var pieces = response.body.makeAsyncIterator()
        while true {
            let piece: ByteBuffer?
            do {
                piece = try await pieces.next()
            } catch {
                guard !Task.isCancelled else { throw .cancelled }
                return .unavailable(Self.words(error))
            }
            guard let piece else { return transfer.isComplete ? nil : .unavailable("the object ended early") }
            try transfer.received(piece.readableBytes)
            try await receive(piece)
        }
    }
}

/// How far the reading of an object has come, over as many connections as that takes.
struct ObjectTransfer {
    let key: ObjectKey
    private let range: Range<Int>
    /// The first byte that is missing.
    private(set) var offset: Int
    /// What the object was when the first of its bytes came.
    private var tag: String?

    init(key: ObjectKey, range: Range<Int>) {
        self.key = key
        self.range = range
        offset = range.lowerBound
    }

    var missing: Int { range.upperBound - offset }
    var isComplete: Bool { missing <= 0 }

    /// What to ask for next.
    var request: S3Request {
        var request = S3Request(method: .GET, key: key)
        request.fields.append(("range", "bytes=\(offset)-\(range.upperBound - 1)"))
        if let tag { request.fields.append(("if-match", tag)) }
        return request
    }

    /// Bytes are about to come.
    mutating func begin(status: Int, _ fields: HTTPHeaders) throws(ObjectStoreFailure) {
        let length = fields.first(name: "content-length").flatMap { Int($0) }
        if status == 206 {
            let expected = "bytes \(offset)-\(range.upperBound - 1)/"
            guard let value = fields.first(name: "content-range"), value.hasPrefix(expected) else {
                let value = fields.first(name: "content-range") ?? "none"
                throw .misunderstood("the range \(value.prefix(60)) of \(key) instead of \(expected)*")
            }
        } else if offset != 0 || length != range.count {
            throw .misunderstood("all of \(key), \(length ?? -1) bytes, instead of \(missing) from \(offset) on")
        }
        tag = tag ?? fields.first(name: "etag")
    }

    /// So many bytes came.
    mutating func received(_ count: Int) throws(ObjectStoreFailure) {
        guard count <= missing else { throw .misunderstood("more of \(key) than was asked for") }
        offset += count
    }
}
