internal import Foundation

/// An SMTP server of its own on loopback that shows every mail it takes; `scripts/fetch-smtp-catcher` gets it.
///
/// What it does depends on the recipient's local part: `refused` is refused for good and `busy` for now, `hang` is never answered,
/// `cut` closes the connection; the same words with `data-` before them do so after the mail's content.
///
/// It is killed, by its identifier, when nobody holds it any more.
public final class SMTPCatcher: Sendable {
    /// How the server is set up.
    public struct Options: Sendable {
        /// The files of its certificate and key; without them it has no TLS.
        public var certificate: (file: String, key: String)?
        /// Whether TLS begins with the connection, instead of STARTTLS.
        public var isTLSImplicit = false
        /// The user and the password that it wants; without them it offers no AUTH.
        public var credentials: (user: String, password: String)?
        /// The only mechanism of AUTH that it offers; `nil` for PLAIN and LOGIN.
        public var mechanism: String?
        /// The largest mail that it takes, in bytes.
        public var largestMessage = 1 << 20

        /// A server without TLS and AUTH.
        public init() {}
    }

    /// A mail as Python's `email` package reads it.
    public struct Mail: Decodable, Sendable {
        /// The envelope's sender.
        public let sender: String
        /// The envelope's recipients.
        public let recipients: [String]
        /// Who has signed in.
        public let user: String?
        /// Whether it came over TLS.
        public let isSecure: Bool
        /// The name that the client gave.
        public let client: String
        /// Each field of the header by its name in lower case, decoded.
        public let header: [String: String]
        /// What the package finds wrong with it.
        public let defects: [String]
        /// The plain text.
        public let text: String
        /// The HTML, if there is any.
        public let html: String?
        /// How long the longest line is, in bytes.
        public let longestLine: Int
    }

    /// Its port on 127.0.0.1.
    public let port: Int
    private let process: ChildProcess

    private init(port: Int, process: ChildProcess) {
        self.port = port
        self.process = process
    }

    deinit { process.send(SIGKILL) }

    /// Starts a server, and waits until it answers.
    ///
    /// - Throws: ``DeadlineExceeded`` or ``ToolMissing``.
    public static func start(_ options: Options = Options()) async throws -> SMTPCatcher {
        let settings = Settings(
            certificate: options.certificate?.file,
            key: options.certificate?.key,
            isTLSImplicit: options.isTLSImplicit,
            user: options.credentials?.user,
            password: options.credentials?.password,
            mechanism: options.mechanism,
            largestMessage: options.largestMessage
        )
        let json = String(decoding: try JSONEncoder().encode(settings), as: UTF8.self)
        let process = try ChildProcess(
            "python3",
            ["-c", program, json],
            environment: ["PYTHONPATH": vendor, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"]
        )
        let line = try await process.standardOutput.line(containing: "port ", within: .seconds(60))
        return SMTPCatcher(port: Int(line.text.dropFirst(5)) ?? 0, process: process)
    }

    /// Waits for the mail with a number, counted from 0 in the order in which they came.
    public func mail(_ number: Int = 0) async throws -> Mail {
        var line: OutputLog.Line?
        for _ in 0...number { line = try await process.standardOutput.line(containing: "mail ", after: line) }
        return try Self.decode(line?.text ?? "")
    }

    /// Every mail so far.
    public var mails: [Mail] {
        get throws { try process.standardOutput.lines.filter { $0.hasPrefix("mail ") }.map(Self.decode) }
    }

    /// Reads a mail from a file, as it reads one that it has got.
    public static func read(_ file: String) async throws -> Mail {
        let environment = ["PYTHONPATH": vendor, "PYTHONDONTWRITEBYTECODE": "1"]
        let output = try await Tool.run("python3", ["-c", program, "--file", file], environment: environment)
        guard output.exit == .status(0) else { throw Tool.Failure(description: output.standardError) }
        return try decode(output.text)
    }

    private static func decode(_ line: String) throws -> Mail {
        try JSONDecoder().decode(Mail.self, from: Data(line.dropFirst("mail ".count).utf8))
    }

    private static var vendor: String {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../..")
        return package.standardized.appendingPathComponent(".vendor/smtp").path
    }

    private struct Settings: Encodable {
        let certificate: String?
        let key: String?
        let isTLSImplicit: Bool
        let user: String?
        let password: String?
        let mechanism: String?
        let largestMessage: Int
    }

    private static let program = """
        import asyncio, email, email.policy, json, ssl, sys
        from aiosmtpd.smtp import SMTP, AuthResult

        def body(message, kind):
            part = message.get_body((kind,))
            return part.get_content().replace("\\r\\n", "\\n") if part else None

        def show(content, envelope):
            message = email.message_from_bytes(content, policy=email.policy.default)
            parts = list(message.walk())
            fields = [value for part in parts for value in part.values()]
            print("mail " + json.dumps(envelope | {
                "header": {name.lower(): str(value) for name, value in message.items()},
                "defects": [repr(defect) for thing in parts + fields for defect in thing.defects],
                "text": body(message, "plain"), "html": body(message, "html"),
                "longestLine": max(len(line) for line in content.split(b"\\r\\n")),
            }), flush=True)

        nobody = {"sender": "", "recipients": [], "user": None, "isSecure": False, "client": ""}
        if sys.argv[1] == "--file":
            show(open(sys.argv[2], "rb").read(), nobody)
            sys.exit()
        options = json.loads(sys.argv[1])

        class Handler:
            async def behave(self, server, address, prefix):
                word = address.split("@")[0]
                if not word.startswith(prefix):
                    return None
                word = word[len(prefix):]
                if word == "hang":
                    await asyncio.sleep(3600)
                if word == "cut":
                    server.transport.abort()
                return {"refused": "550 5.1.1 nobody of that name", "busy": "451 4.3.0 later"}.get(word)

            async def handle_RCPT(self, server, session, envelope, address, _):
                answer = await self.behave(server, address, "")
                if answer is None:
                    envelope.rcpt_tos.append(address)
                return answer or "250 OK"

            async def handle_DATA(self, server, session, envelope):
                answer = await self.behave(server, envelope.rcpt_tos[0], "data-")
                if answer:
                    return answer
                show(envelope.original_content, {
                    "sender": envelope.mail_from, "recipients": envelope.rcpt_tos, "client": session.host_name,
                    "user": session.auth_data, "isSecure": session.ssl is not None or options["isTLSImplicit"],
                })
                return "250 OK"

        def authenticate(server, session, envelope, mechanism, data):
            known = (data.login.decode(), data.password.decode()) == (options["user"], options["password"])
            return AuthResult(success=known, auth_data=data.login.decode() if known else None, handled=False)

        async def main():
            context = None
            if options.get("certificate"):
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(options["certificate"], options["key"])
            implicit = options["isTLSImplicit"]
            others = {"PLAIN", "LOGIN"} - {options.get("mechanism")} if options.get("mechanism") else set()
            make = lambda: SMTP(
                Handler(), hostname="catcher.test", data_size_limit=options["largestMessage"], decode_data=False,
                tls_context=None if implicit else context, require_starttls=bool(context) and not implicit,
                authenticator=authenticate if options.get("user") else None, auth_required=bool(options.get("user")),
                auth_require_tls=bool(context) and not implicit, auth_exclude_mechanism=others,
            )
            loop = asyncio.get_running_loop()
            server = await loop.create_server(make, "127.0.0.1", 0, ssl=context if implicit else None)
            print("port", server.sockets[0].getsockname()[1], flush=True)
            await server.serve_forever()

        asyncio.run(main())
        """
}
