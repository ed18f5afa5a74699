/// What a server answered.
public struct HTTPResponse: Sendable {
    /// The status code.
    public let status: Int
    /// The header fields by their names in lower case.
    public let headers: [String: String]
    /// The cookies that it sets, by name; without their attributes.
    public let cookies: [String: String]
    /// The body.
    public let body: [UInt8]

    /// The body as text.
    public var text: String { String(decoding: body, as: UTF8.self) }
}

/// Plain requests over HTTP, through curl: a client that has nothing in common with what serves them.
public enum HTTPClient {
    /// No answer came, or one that is not HTTP.
    public struct Failure: Error, CustomStringConvertible {
        /// The request and what went wrong.
        public let description: String
    }

    /// Sends a request and waits for its whole answer.
    ///
    /// Redirects are not followed, and a compressed body stays as it came.
    ///
    /// - Parameters:
    ///   - url: where to.
    ///   - method: the request method.
    ///   - headers: header fields on top of those of curl.
    ///   - body: the request's body.
    ///   - limit: how long it may take.
    /// - Returns: the answer, whatever its status.
    /// - Throws: ``Failure``.
    public static func send(
        _ url: String,
        method: String = "GET",
        headers: [String: String] = [:],
        body: [UInt8]? = nil,
        within limit: Duration = .seconds(30)
    ) async throws -> HTTPResponse {
        var arguments = ["--silent", "--show-error", "--noproxy", "*", "--dump-header", "-"]
        arguments += method == "HEAD" ? ["--head", "--output", "/dev/null"] : ["--request", method]
        for (name, value) in headers { arguments += ["--header", "\(name): \(value)"] }
        let folder = try body.map { _ in try TemporaryFolder() }
        if let body, let folder {
            try folder.write("body", String(decoding: body, as: UTF8.self))
            arguments += ["--header", "Expect:", "--data-binary", "@\(folder.file("body"))"]
        }
        let output = try await Tool.run("curl", arguments + [url], within: limit)
        guard output.exit == .status(0) else {
            throw Failure(description: "\(method) \(url): \(output.standardError)")
        }
        guard let response = HTTPResponse(head: output.standardOutput) else {
            throw Failure(description: "\(method) \(url): the answer is not HTTP")
        }
        return response
    }
}

extension HTTPResponse {
    /// Reads a status line, header fields and the rest as the body.
    fileprivate init?(head bytes: [UInt8]) {
        let end: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A]
        guard let length = bytes.indices.first(where: { bytes[$0...].starts(with: end) }) else { return nil }
        let lines = String(decoding: bytes[..<length], as: UTF8.self).split(separator: "\r\n")
        guard let words = lines.first?.split(separator: " "), words.count >= 2, let status = Int(words[1]) else {
            return nil
        }
        var headers: [String: String] = [:]
        var cookies: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            let name = line[..<colon].lowercased()
            headers[name] = String(value)
            guard name == "set-cookie" else { continue }
            let pair = value.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2 { cookies[String(pair[0])] = String(pair[1]) }
        }
        self.init(status: status, headers: headers, cookies: cookies, body: Array(bytes[(length + end.count)...]))
    }
}
