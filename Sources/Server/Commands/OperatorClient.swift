import ArgumentParser
import AsyncHTTPClient
import Foundation
import MediaCore
import NIOCore
import NIOHTTP1

/// Asks the API of the server that runs with a data folder, as its operator.
struct OperatorClient {
    /// What the server answered.
    struct Answer {
        /// The status code.
        let status: Int
        /// The body.
        let body: [UInt8]

        /// The body as text.
        var text: String { String(decoding: body, as: UTF8.self) }

        /// Reads the body.
        func document<Document: Decodable>(_ type: Document.Type) throws -> Document {
            try JSONDecoder().decode(type, from: Data(body))
        }
    }

    /// An error of the API (RFC 9457), as far as a person is told of it.
    private struct Problem: Decodable {
        let detail: String
    }

    /// The longest answer that is taken, in bytes.
    private static let largestAnswer = 16 << 20

    private let address: String
    private let token: Secret

    /// A client of the server that the options name.
    init(_ options: ConfigurationOptions) async throws {
        let (_, configuration) = try await options.load(environment: ProcessInfo.processInfo.environment)
        let host = ["0.0.0.0", "::"].contains(configuration.httpHost) ? "127.0.0.1" : configuration.httpHost
        address = "\(host):\(configuration.httpPort)"
        token = try Self.token(configuration)
    }

    /// Sends a request.
    ///
    /// - Parameters:
    ///   - method: its method.
    ///   - path: its path.
    ///   - document: its body.
    /// - Returns: the answer, whatever its status.
    /// - Throws: an exit code, when no server answers.
    func send(_ method: HTTPMethod, _ path: String, _ document: JSON? = nil) async throws -> Answer {
        var request = HTTPClientRequest(url: "http://\(address)\(path)")
        request.method = method
        request.headers.add(name: "Authorization", value: "Bearer \(token.revealed)")
        if let document {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: document.text))
        }
        do {
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
            let body = try await response.body.collect(upTo: Self.largestAnswer)
            return Answer(status: Int(response.status.code), body: Array(body.readableBytesView))
        } catch {
            Terminal.complain("no server answers on \(address): \(error)")
            throw ExitCode.unavailable
        }
    }

    /// Says what is wrong with a request that was not granted.
    ///
    /// - Returns: the exit code: a refusal of what was asked for is no trouble of the server.
    static func refusal(_ answer: Answer) -> ExitCode {
        if (400..<500).contains(answer.status), answer.status != 401, let problem = try? answer.document(Problem.self) {
            Terminal.complain(problem.detail)
            return .failure
        }
        Terminal.complain("the server answered with status \(answer.status): \(answer.text.prefix(500))")
        return .unavailable
    }

    private static func token(_ configuration: ServerConfiguration) throws -> Secret {
        if let token = configuration.operatorToken { return token }
        let file = SecretFile.operatorToken(dataDirectory: configuration.dataDirectory)
        if let token = try? file.read() { return token }
        Terminal.complain("there is no \(file.path): start the server first, or name its data folder with --data-dir")
        throw ExitCode.unavailable
    }
}
