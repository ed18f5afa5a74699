import Cryptography
import Foundation
import MediaCore

/// What is asked of an HTTP webhook about a publish, and what its answers mean, without I/O.
///
/// The request is a POST with a JSON object and the header field
///
///     Lyceum-Signature: t=1767225600,v1=HEX
///
/// where HEX is the HMAC-SHA256 of `1767225600.BODY` with the shared secret: a receiver that compares it, and the time with
/// its own, knows that the request is from here and new.
struct PublishWebhook {
    /// What an answer means.
    enum Answer: Equatable {
        case decision(PublishDecision)
        /// Not an answer; it is worth asking again.
        case retry(String)
        /// Not an answer, and the next would be none either.
        case fault(String)
    }

    /// The header field with the signature.
    static let signatureField = "Lyceum-Signature"
    /// The longest answer read, in bytes.
    static let maximumAnswerLength = 64 << 10
    /// The longest time limit taken: 30 days.
    private static let longestTimeLimit = 30.0 * 86_400
    /// The longest reason passed on to an encoder.
    private static let longestReason = 200

    private let secret: Secret

    init(secret: Secret) {
        self.secret = secret
    }

    /// The body of a request.
    ///
    /// - Parameters:
    ///   - request: what the encoder asks for.
    ///   - id: the same for each try of one decision, so that a receiver can tell.
    /// - Returns: a JSON text.
    static func body(_ request: PublishRequest, id: String) -> String {
        JSON.object([
            ("id", .string(id)), ("event", .string("publish")), ("app", .string(request.app)),
            ("streamKey", .string(request.streamKey.revealed)), ("query", .string(request.query.revealed)),
            ("peerAddress", .string(request.peerAddress)),
        ]).text
    }

    /// The value of the signature field.
    ///
    /// - Parameters:
    ///   - body: the request's body.
    ///   - time: the time of day in seconds since 1970.
    /// - Returns: the time and the code.
    func signature(of body: String, time: Int64) -> String {
        let message = Array("\(time).\(body)".utf8)
        let code = HMACSHA256.authenticationCode(for: message, key: Array(secret.revealed.utf8))
        return "t=\(time),v1=\(Hexadecimal.text(code))"
    }

    /// Reads a response.
    static func answer(status: Int, body: [UInt8]) -> Answer {
        switch status {
        case 200: return decision(Data(body))
        case 400, 401, 403, 404, 409, 410, 422, 451:
            let reason = text(in: Data(body), "reason") ?? text(in: Data(body), "detail")
            return .decision(deny(reason))
        case 408, 425, 429, 500...599: return .retry("status \(status)")
        default: return .fault("status \(status)")
        }
    }

    private struct Document: Decodable {
        var allow: Bool
        var stream: String?
        var timeLimit: Double?
        var reason: String?
    }

    private static func decision(_ body: Data) -> Answer {
        let document: Document
        do {
            document = try JSONDecoder().decode(Document.self, from: body)
        } catch {
            return .fault("an answer that is no JSON object with a boolean 'allow'")
        }
        guard document.allow else { return .decision(deny(document.reason)) }
        // The key never becomes the name, which everybody can see.
        guard let name = document.stream else { return .fault("an answer that allows without a 'stream'") }
        guard let stream = StreamID(name) else { return .fault("an answer whose 'stream' is no stream name") }
        guard let limit = document.timeLimit else { return .decision(.allow(PublishGrant(stream))) }
        guard limit > 0, limit <= longestTimeLimit else {
            return .fault("an answer whose 'timeLimit' is not above 0 and at most \(Int(longestTimeLimit)) seconds")
        }
        return .decision(.allow(PublishGrant(stream, timeLimit: .milliseconds(Int64(limit * 1000)))))
    }

    private static func deny(_ reason: String?) -> PublishDecision {
        let words = reason.map(printable) ?? ""
        return .deny(PublishRefusal(reason: words.isEmpty ? "the stream key was refused" : words))
    }

    private static func text(in body: Data, _ name: String) -> String? {
        (try? JSONDecoder().decode([String: AnyText].self, from: body))?[name]?.text
    }

    /// A member of any type, of which only a text counts.
    private struct AnyText: Decodable {
        let text: String?

        init(from decoder: any Decoder) throws {
            text = try? decoder.singleValueContainer().decode(String.self)
        }
    }

    /// One line of text, not too long, for the encoder and the log.
    private static func printable(_ text: String) -> String {
        let scalars = text.unicodeScalars.prefix(longestReason).map { scalar -> Character in
            CharacterSet.controlCharacters.union(.newlines).contains(scalar) ? " " : Character(scalar)
        }
        return String(scalars).trimmingCharacters(in: .whitespaces)
    }
}
