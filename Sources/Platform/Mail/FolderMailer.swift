public import Foundation
internal import Glibc
public import Kernel

/// Puts mail into a folder, one file each, instead of sending it: what a server does that nobody has given an SMTP server.
///
/// The files are called `TIME-IDENTIFIER.eml`; mail programs open them. Only the server's user can read them: there are links
/// in them that let somebody in.
public struct FolderMailer: Mailer {
    private let folder: String
    private let sender: MailSender
    private let now: @Sendable () -> Date

    /// A mailer into a folder.
    ///
    /// - Parameters:
    ///   - folder: its path; it is made when the first mail comes.
    ///   - sender: whom mail is from.
    ///   - now: the time of day.
    public init(folder: String, sender: MailSender, now: @escaping @Sendable () -> Date = { Date() }) {
        self.folder = folder
        self.sender = sender
        self.now = now
    }

    /// Writes a mail; its file appears when it is complete and on the disk.
    ///
    /// Blocks for a moment.
    ///
    /// - Throws: ``MailError``; a folder that cannot be written to is temporary.
    public func send(_ message: MailMessage) async throws(MailError) {
        let date = now()
        let document = try MailDocument(message, from: sender, at: date)
        do {
            try FileManager.default.createDirectory(
                atPath: folder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw .temporary("\(folder) cannot be made: \(error.localizedDescription)")
        }
        let path = "\(folder)/\(Self.time(date))-\(document.identifier).eml"
        try write(document.bytes, to: path)
    }

    private func write(_ bytes: [UInt8], to path: String) throws(MailError) {
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Self.refusal(temporary) }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        do {
            try file.write(contentsOf: Data(bytes))
            guard fdatasync(descriptor) == 0 else { throw Self.refusal(temporary) }
            guard rename(temporary, path) == 0 else { throw Self.refusal(path) }
        } catch {
            unlink(temporary)
            throw error as? MailError ?? .temporary("\(temporary) cannot be written: \(error.localizedDescription)")
        }
    }

    private static func refusal(_ path: String) -> MailError {
        .temporary("\(path) cannot be written: \(String(cString: strerror(errno)))")
    }

    private static func time(_ date: Date) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        formatter.dateFormat = "yyyyMMdd'T'HHmmss.SSS'Z'"
        return formatter.string(from: date)
    }
}
