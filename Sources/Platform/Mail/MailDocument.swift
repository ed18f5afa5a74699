internal import Foundation
internal import Kernel

/// A mail as it travels: header and body (RFC 5322), in ASCII, every line ended by CRLF and short enough for every server.
struct MailDocument: Hashable, Sendable {
    /// The largest text or HTML that is sent: what comes near it is no mail of ours.
    static let largestBody = 4 << 20
    private static let longestMessageID = 128

    /// Whom it goes to.
    let recipient: MailAddress
    /// The left part of its Message-ID, of letters, digits and `._+=-`.
    let identifier: String
    /// All of it.
    let bytes: [UInt8]

    /// Writes a mail.
    ///
    /// - Parameters:
    ///   - message: what a module has to say.
    ///   - sender: whom it is from.
    ///   - date: when it is written.
    /// - Throws: ``MailError/permanent(_:)`` when something of it cannot stand in a mail.
    init(_ message: MailMessage, from sender: MailSender, at date: Date) throws(MailError) {
        guard let recipient = MailAddress(message.to) else {
            throw .permanent("\(message.to.prefix(80).debugDescription) is no address that mail can be sent to")
        }
        guard Self.isIdentifier(message.messageID) else {
            throw .permanent("\(message.messageID.prefix(80).debugDescription) is no identifier of a mail")
        }
        guard max(message.text.utf8.count, message.html?.utf8.count ?? 0) <= Self.largestBody else {
            throw .permanent("the body is larger than \(Self.largestBody) bytes")
        }
        self.recipient = recipient
        identifier = message.messageID
        let name = sender.name.isEmpty ? "" : HeaderText.phrase(sender.name) + "\r\n "
        let header = [
            "Date: \(Self.dateTime(date))",
            "From: \(name)<\(sender.address)>",
            "To: <\(recipient)>",
            "Message-ID: <\(message.messageID)@\(sender.address.domain)>",
            "Subject: \(HeaderText.unstructured(message.subject))",
            // RFC 3834 §5: nobody's absence notice should answer.
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
        ]
        bytes = Array((header.joined(separator: "\r\n") + "\r\n").utf8) + Self.content(message)
    }

    /// The header fields that tell what the body is, and the body (RFC 2046 §5.1.4: the best form last).
    private static func content(_ message: MailMessage) -> [UInt8] {
        let text = part("text/plain", message.text)
        guard let html = message.html else { return text }
        // In no quoted-printable body does `=_` occur, so this is never a line of one.
        let boundary = "=_\(message.messageID.prefix(60))"
        let opening = Array("\r\n--\(boundary)\r\n".utf8)
        return Array("Content-Type: multipart/alternative;\r\n boundary=\"\(boundary)\"\r\n".utf8)
            + opening + text + opening + part("text/html", html) + Array("\r\n--\(boundary)--\r\n".utf8)
    }

    private static func part(_ type: String, _ text: String) -> [UInt8] {
        let header = "Content-Type: \(type); charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        return Array(header.utf8) + QuotedPrintable.encode(text)
    }

    /// `dot-atom-text` (RFC 5322 §3.2.3), less what has a meaning in names of files and in quotes.
    private static func isIdentifier(_ text: String) -> Bool {
        text.utf8.count <= longestMessageID
            && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { atom in
                !atom.isEmpty
                    && atom.utf8.allSatisfy { byte in
                        switch byte {
                        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                            UInt8(ascii: "a")...UInt8(ascii: "z"):
                            true
                        default: "_+=-".utf8.contains(byte)
                        }
                    }
            }
    }

    /// `date-time` (RFC 5322 §3.3), in UTC.
    private static func dateTime(_ date: Date) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        formatter.dateFormat = "EEE, d MMM yyyy HH:mm:ss '+0000'"
        return formatter.string(from: date)
    }

    /// The document as DATA carries it: a dot before each line that begins with one, and a line with one at the end (RFC 5321
    /// §4.5.2).
    var dotStuffed: [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count + bytes.count / 64 + 3)
        var isLineStart = true
        for byte in bytes {
            if isLineStart, byte == UInt8(ascii: ".") { output.append(byte) }
            output.append(byte)
            isLineStart = byte == 0x0A
        }
        return output + Array(".\r\n".utf8)
    }
}
