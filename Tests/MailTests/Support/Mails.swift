import Foundation
import Kernel
import TestSupport

@testable import Mail

/// A mail with what differs from the usual one.
func mail(
    to: String = "ada@example.org",
    subject: String = "Confirm your address",
    text: String = "Hello",
    html: String? = nil,
    messageID: String = "m1"
) -> MailMessage {
    MailMessage(to: to, subject: subject, text: text, html: html, messageID: messageID)
}

/// Thursday, 26 November 2026, 21:05:09 UTC.
let writtenAt = Date(timeIntervalSince1970: 1_795_727_109)

func sender(_ text: String = "Lyceum <mail@lyceum.example>") throws -> MailSender {
    guard let sender = MailSender(text) else { throw CocoaError(.coderInvalidValue) }
    return sender
}

/// What Python's email package reads in a document.
func parsed(_ document: MailDocument) async throws -> SMTPCatcher.Mail {
    let folder = try TemporaryFolder()
    try folder.write("mail.eml", document.bytes)
    return try await SMTPCatcher.read(folder.file("mail.eml"))
}
