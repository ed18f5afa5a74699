internal import Foundation
internal import Kernel

/// One mail over one connection, as the client (RFC 5321 §3): what to do after each answer of the server.
///
/// ```
///  state        answer       next, with what is sent
///  greeting     220          ehlo         EHLO
///  ehlo         250          startTLS     STARTTLS        when it is to be, and is not yet, secured
///                            authPlain    AUTH PLAIN ...  else, with credentials
///                            loginUser    AUTH LOGIN      else, with credentials and when there is no PLAIN
///                            mail         MAIL FROM       else
///               500 502 504  helo         HELO            when neither TLS nor credentials are needed
///  helo         250          mail         MAIL FROM
///  startTLS     220          ehlo         handshake, then EHLO: nothing from before counts any more (RFC 3207 §4.2)
///  authPlain    235          mail         MAIL FROM
///  loginUser    334          loginPassword
///  loginPassword 334         authPlain
///  mail         250          recipient    RCPT TO
///  recipient    25z          data         DATA
///  data         354          delivery     the document
///  delivery     250          finished     QUIT: it is delivered
///  any          other        finished     QUIT: it is not
/// ```
///
/// 1. A mail is refused for good only by a 5yz after MAIL, RCPT, DATA or the document: an answer about the mail. What happens
///    before is about us or the server, and an operator can mend it.
/// 2. Once the last byte of the document is sent, only 250 says that it is delivered. Without an answer it may be delivered
///    twice, with the same Message-ID, but never lost.
/// 3. No password goes over a connection that others can read.
struct SMTPClientMachine: Sendable {
    /// What to do.
    enum Action: Equatable, Sendable {
        /// Send this line.
        case send(String)
        /// Secure the connection, and send this line then.
        case secure(thenSend: String)
        /// Send the document.
        case sendDocument
        /// Close, after QUIT if somebody still listens; the mail is delivered when there is no error.
        case finish(MailError?, withQuit: Bool)
        /// Nothing: it is over already.
        case none
    }

    private enum State {
        case greeting, ehlo, helo, startTLS, authPlain, loginUser, loginPassword, mail, recipient, data, delivery,
            finished
    }

    /// What the mail is, for the envelope.
    struct Envelope: Hashable, Sendable {
        /// Whom it is from.
        let sender: MailAddress
        /// Whom it goes to.
        let recipient: MailAddress
        /// How many bytes it has.
        let size: Int
    }

    private let configuration: SMTPConfiguration
    private let envelope: Envelope
    /// Who we are for EHLO: a name, or an address in brackets (RFC 5321 §4.1.3).
    private let clientName: String
    private var state = State.greeting
    private var isSecure: Bool
    private var capabilities = SMTPCapabilities()

    /// A connection that was just opened; with implicit TLS it is secured already.
    init(_ configuration: SMTPConfiguration, _ envelope: Envelope, clientName: String) {
        self.configuration = configuration
        self.envelope = envelope
        self.clientName = clientName
        isSecure = configuration.security == .implicit
    }

    /// Whether the whole mail was sent and its answer is awaited, which may take long.
    var isDelivering: Bool { state == .delivery }

    // MARK: - Events

    /// The server has answered.
    mutating func received(_ reply: SMTPReply) -> Action {
        switch (state, reply.code) {
        case (.finished, _): return .none
        case (_, 421): return finish(.temporary("the server closes: \(reply.words)"), withQuit: false)
        case (.greeting, 220): return send("EHLO \(clientName)", .ehlo)
        case (.ehlo, 250):
            capabilities = SMTPCapabilities(reply)
            return afterGreeting()
        // RFC 5321 §4.1.4: a server that does not know it, not one that does not want us.
        case (.ehlo, let code)
        where [500, 502, 504].contains(code) && !mustBeSecured && configuration.credentials == nil:
            return send("HELO \(clientName)", .helo)
        case (.helo, 250): return afterGreeting()
        case (.startTLS, 220):
            (isSecure, state) = (true, .ehlo)
            return .secure(thenSend: "EHLO \(clientName)")
        case (.loginUser, 334): return send(Self.base64(configuration.credentials?.user), .loginPassword)
        case (.loginPassword, 334): return send(Self.base64(configuration.credentials?.password), .authPlain)
        case (.authPlain, 235): return beginMail()
        case (.mail, 250): return send("RCPT TO:<\(envelope.recipient)>", .recipient)
        case (.recipient, 250...252): return send("DATA", .data)
        case (.data, 354):
            state = .delivery
            return .sendDocument
        case (.delivery, 250): return finish(nil, withQuit: true)
        default: return refused(reply)
        }
    }

    /// Something has ended the connection, or it makes no sense any more; `reason` in words.
    mutating func failed(_ reason: String) -> Action {
        state == .finished ? .none : finish(.temporary("\(reason) (\(place))"), withQuit: false)
    }

    // MARK: - Steps

    private var mustBeSecured: Bool { configuration.security == .startTLS && !isSecure }

    private mutating func afterGreeting() -> Action {
        if !isSecure, capabilities.hasStartTLS { return send("STARTTLS", .startTLS) }
        if mustBeSecured { return giveUp("the server offers no STARTTLS, and mail does not go without TLS") }
        guard let credentials = configuration.credentials else { return beginMail() }
        guard isSecure || configuration.isLocal else {
            return giveUp("the server offers no STARTTLS, and the password does not go without TLS")
        }
        if capabilities.mechanisms.contains(.plain) {
            return send("AUTH PLAIN \(Self.base64("\0\(credentials.user)\0\(credentials.password)"))", .authPlain)
        }
        if capabilities.mechanisms.contains(.login) { return send("AUTH LOGIN", .loginUser) }
        return giveUp("the server offers neither AUTH PLAIN nor AUTH LOGIN")
    }

    private mutating func beginMail() -> Action {
        if let largest = capabilities.largestMessage, envelope.size > largest {
            let words = "the mail has \(envelope.size) bytes, and the server takes \(largest)"
            return finish(.permanent(words), withQuit: true)
        }
        let size = capabilities.hasSize ? " SIZE=\(envelope.size)" : ""
        return send("MAIL FROM:<\(envelope.sender)>\(size)", .mail)
    }

    private mutating func refused(_ reply: SMTPReply) -> Action {
        let words = "the server answered \(place): \(reply.words)"
        let isAboutMail = [.mail, .recipient, .data, .delivery].contains(state)
        let isForGood = isAboutMail && reply.code >= 500
        return finish(isForGood ? .permanent(words) : .temporary(words), withQuit: true)
    }

    private mutating func giveUp(_ reason: String) -> Action { finish(.temporary(reason), withQuit: true) }

    private mutating func finish(_ error: MailError?, withQuit: Bool) -> Action {
        state = .finished
        return .finish(error, withQuit: withQuit)
    }

    private mutating func send(_ line: String, _ next: State) -> Action {
        state = next
        return .send(line)
    }

    /// The present state, for operators.
    private var place: String {
        switch state {
        case .greeting: "before its greeting"
        case .ehlo, .helo: "to EHLO"
        case .startTLS: "to STARTTLS"
        case .authPlain, .loginUser, .loginPassword: "to AUTH"
        case .mail: "to MAIL"
        case .recipient: "to RCPT"
        case .data: "to DATA"
        case .delivery: "to the mail"
        case .finished: "at the end"
        }
    }

    private static func base64(_ text: String?) -> String { Data((text ?? "").utf8).base64EncodedString() }
}
