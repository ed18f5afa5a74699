/// How often something is tried, and how long is waited in between.
public struct RetryPolicy: Sendable {
    /// How often at most.
    public var tries = 5
    /// The longest wait before the second try; it doubles each time.
    public var firstPause = Duration.milliseconds(200)
    /// The longest wait of all.
    public var longestPause = Duration.seconds(10)

    /// Five tries within some seconds.
    public init() {}

    /// What a try came to, where it was not a success.
    enum Outcome: Hashable {
        /// No answer: a connection that failed, or broke, or a time that was over.
        case nothing
        /// An answer with this status, and the code of its error.
        case status(Int, code: String)
    }

    /// Whether the same request can succeed later.
    static func isWorthRepeating(_ outcome: Outcome) -> Bool {
        switch outcome {
        case .nothing: true
        case .status(let status, let code):
            [408, 425, 429, 500, 502, 503, 504].contains(status)
                // S3 says these with 400 or 409, and in the content of a 200.
                || ["RequestTimeout", "InternalError", "SlowDown", "OperationAborted", "ServiceUnavailable"].contains(
                    code
                )
        }
    }

    /// How long to wait behind a try, counted from 1; `nil` when it was the last.
    ///
    /// - Parameters:
    ///   - number: which try it was.
    ///   - jitter: from 0 to 1, at random: those who failed together are not to come back together.
    /// - Returns: how long.
    func pause(after number: Int, jitter: Double) -> Duration? {
        guard number < tries else { return nil }
        let longest = min(longestPause, firstPause * (1 << min(20, number - 1)))
        return longest * (0.5 + 0.5 * jitter)
    }
}
