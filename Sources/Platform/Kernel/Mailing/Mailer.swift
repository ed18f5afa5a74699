/// What hands a mail to the outside: an SMTP server, or a folder of files.
///
/// Modules do not call it: they queue their mail in the transaction of the change it tells about, and a worker sends
/// it.
public protocol Mailer: Sendable {
    /// Sends one mail and returns once the next hop has taken responsibility for it (SMTP: `250` after the data).
    ///
    /// - Throws: ``MailError/temporary(_:)`` when the same mail may be accepted later, ``MailError/permanent(_:)`` when
    ///   it never will.
    func send(_ message: MailMessage) async throws(MailError)
}

/// Why a mail was not sent.
public enum MailError: Error, Sendable, Equatable {
    /// The next hop was not reached, or answered with 4yz (RFC 5321 §4.2.1): to be tried again. Carries what was seen,
    /// for operators.
    case temporary(String)

    /// The next hop refused with 5yz, or the message cannot be written: trying again changes nothing.
    case permanent(String)
}
