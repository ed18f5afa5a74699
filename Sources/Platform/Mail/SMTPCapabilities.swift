/// What a server has said that it can, in its answer to EHLO (RFC 5321 §4.1.1.1).
struct SMTPCapabilities: Hashable, Sendable {
    /// Ways to say who one is (RFC 4954 §3).
    enum Mechanism: Hashable, Sendable {
        /// RFC 4616.
        case plain
        /// Of no standard, and the only one of some servers.
        case login
    }

    /// Whether it offers STARTTLS (RFC 3207).
    var hasStartTLS = false
    /// The mechanisms that we know of those that it offers.
    var mechanisms: Set<Mechanism> = []
    /// Whether it wants to know the size of a mail (RFC 1870).
    var hasSize = false
    /// The largest mail that it takes, in bytes; `nil` when it does not tell.
    var largestMessage: Int?

    /// What a server can that knows HELO only.
    init() {}

    /// Reads the answer to EHLO; its first line is a greeting.
    init(_ reply: SMTPReply) {
        for line in reply.lines.dropFirst() {
            // `AUTH=` is of a draft, and still offered.
            let words = line.uppercased().split { $0 == " " || $0 == "=" }
            switch words.first {
            case "STARTTLS": hasStartTLS = true
            case "SIZE":
                hasSize = true
                if let size = words.dropFirst().first.flatMap({ Int($0) }), size > 0 { largestMessage = size }
            case "AUTH":
                if words.contains("PLAIN") { mechanisms.insert(.plain) }
                if words.contains("LOGIN") { mechanisms.insert(.login) }
            default: break
            }
        }
    }
}
