/// One mail as a module writes it: plain text always, HTML beside it where the module has a template.
///
/// The sender's address is not the module's to choose: it belongs to the configuration of the ``Mailer``.
public struct MailMessage: Sendable, Equatable, Codable {
    /// The one recipient: an addr-spec (RFC 5322 §3.4.1), without a display name.
    public let to: String

    /// The subject, as text; encoding it (RFC 2047) is the mailer's part.
    public let subject: String

    /// The body for readers without HTML, never empty in a mail of ours.
    public let text: String

    /// The same body as HTML, or nil for a mail of plain text only.
    public let html: String?

    /// The left part of `Message-ID` (RFC 5322 §3.6.4), the same at each attempt, so that a receiver can tell a retry
    /// from a second mail.
    public let messageID: String

    /// Makes a mail.
    ///
    /// - Parameters:
    ///   - to: the recipient's addr-spec.
    ///   - subject: the subject as text.
    ///   - text: the plain body.
    ///   - html: the HTML body, if there is one.
    ///   - messageID: the left part of `Message-ID`, the same for every attempt.
    public init(to: String, subject: String, text: String, html: String? = nil, messageID: String) {
        self.to = to
        self.subject = subject
        self.text = text
        self.html = html
        self.messageID = messageID
    }
}
