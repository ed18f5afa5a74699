import Kernel
import Logging
import Mail
import MediaCore
import NIOCore
import TLS

/// Where the server is, as the platform has to know it.
struct PlatformSite: Sendable {
    let dataDirectory: String
    /// The port that people reach, for links when no address is set.
    let httpPort: Int

    /// The address that links in mails and on the terminal begin with.
    func origin(_ settings: PlatformSettings) -> String { settings.publicURL ?? "http://localhost:\(httpPort)" }

    /// What sends mails: the server that is set, or a folder.
    ///
    /// - Throws: ``StartFailure`` when the authorities for the server's certificate cannot be used.
    func mailer(
        _ settings: PlatformSettings,
        on group: any EventLoopGroup,
        logger: Logger
    ) throws(StartFailure) -> any Mailer {
        guard let smtp = settings.smtp else {
            return FolderMailer(folder: dataDirectory + "/mail", sender: settings.sender)
        }
        do throws(ClientTLS.Fault) {
            let tls = try ClientTLS(authorities: settings.smtpAuthorities)
            return SMTPMailer(smtp, sender: settings.sender, tls: tls, group: group, logger: logger)
        } catch {
            throw .wrongAuthorities(error, key: .smtpAuthorities)
        }
    }

    /// What is signed and sealed with: what is set, or what is in the data folder.
    ///
    /// - Throws: ``StartFailure`` when it cannot be had.
    func secret(_ settings: PlatformSettings) throws(StartFailure) -> [UInt8] {
        do throws(SecretFile.Failure) {
            if let secret = settings.secret { return Array(secret.revealed.utf8) }
            return Array(try SecretFile.platform(dataDirectory: dataDirectory).load().revealed.utf8)
        } catch {
            throw .unavailable("\(error)")
        }
    }
}
