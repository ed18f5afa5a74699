internal import Cryptography
internal import FoundationEssentials
internal import Postgres

/// The statements about `sign_in_failure`.
enum FailureRepository {
    /// What wrong passwords and codes are counted for.
    enum Subject: Sendable {
        /// An e-mail address, whether an account has it or not.
        case address(EmailAddress)
        /// A browser that signed in before, by its token's digest, at one address.
        case device([UInt8], EmailAddress)
        /// The second factor of an account.
        case factor(Int64)
        /// The password that a signed-in person is asked for again.
        case password(Int64)

        var key: [UInt8] {
            let text =
                switch self {
                case .address(let email): "address \(email.folded)"
                case .device(let digest, let email): "device \(Hexadecimal.text(digest)) \(email.folded)"
                case .factor(let id): "factor \(id)"
                case .password(let id): "password \(id)"
                }
            return SHA256.digest(of: Array(text.utf8))
        }
    }

    /// Takes a try: counts it as wrong before it is looked at, so that many at once are not all free.
    ///
    /// - Returns: the seconds to wait, when it may not be made; 0 when it may.
    static func take(
        _ subject: Subject,
        throttle: SignInThrottle,
        now: Date,
        on connection: Connection
    ) throws -> Double {
        let key = subject.key
        // The row is made first, so that there is one to lock: of two first tries one waits for the other.
        try connection.execute(
            """
            INSERT INTO sign_in_failure (key_sha256, failures, last_at)
            VALUES (\(key), 1, \(now.addingTimeInterval(-throttle.memory - 1)))
            ON CONFLICT DO NOTHING
            """
        )
        let count = try connection.queryFirst(
            "SELECT failures, last_at FROM sign_in_failure WHERE key_sha256 = \(key) FOR UPDATE"
        ) { row in
            let last: Date = try row.get("last_at")
            return SignInThrottle.Count(failures: try row.get("failures"), last: last.timeIntervalSince1970)
        }
        let seconds = now.timeIntervalSince1970
        let wait = throttle.remaining(count, now: seconds)
        guard wait <= 0 else { return wait }
        let next = throttle.counted(count, now: seconds)
        try connection.execute(
            "UPDATE sign_in_failure SET failures = \(next.failures), last_at = \(now) WHERE key_sha256 = \(key)"
        )
        return 0
    }

    /// Forgets what was counted: the password was right.
    static func clear(_ subjects: [Subject], on connection: Connection) throws {
        for subject in subjects {
            try connection.execute("DELETE FROM sign_in_failure WHERE key_sha256 = \(subject.key)")
        }
    }
}
