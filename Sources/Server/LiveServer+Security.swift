import Cryptography
import Foundation
import Ingest
import MediaCore
import Origin
import TLS

// What the settings say of certificates, secrets and who may watch, made into what the parts take.
extension LiveServer {
    /// A secret from the settings, or else from its file.
    static func secret(_ configured: Secret?, or file: SecretFile) throws -> Secret {
        if let configured { return configured }
        do throws(SecretFile.Failure) {
            return try file.load()
        } catch {
            throw StartFailure.unavailable("\(error)")
        }
    }

    /// Who may watch; `nil` for everybody.
    static func access(_ configuration: ServerConfiguration) throws -> ViewerAccess? {
        guard configuration.playback == .tokens else { return nil }
        let file = SecretFile.playbackKey(dataDirectory: configuration.dataDirectory)
        let key = try secret(configuration.tokenSecret, or: file)
        let authorizer = SignedPlaybackAuthorizer(key: key) { Int(Date().timeIntervalSince1970) }
        return ViewerAccess(authorizer: authorizer, cdnSecret: configuration.cdnSecret)
    }

    /// How media is encrypted; `nil` when it is not.
    ///
    /// The names of a live's keys are those of no other live, so nothing needs the secret after this process.
    static func encryption(_ configuration: ServerConfiguration) -> SegmentEncryption? {
        let placement: SegmentEncryption.Placement
        switch configuration.encryption {
        case .off: return nil
        case .on: placement = .instead
        case .both: placement = .beside
        }
        return SegmentEncryption(placement, secret: Randomness.bytes(32), keySeconds: configuration.keySeconds)
    }

    /// The configured certificate, for a port that is wanted.
    static func certificate(
        _ configuration: ServerConfiguration,
        for port: Int?,
        protocols: [String] = []
    ) throws -> ServerCertificate? {
        guard port != nil else { return nil }
        do throws(ServerCertificate.Fault) {
            return try ServerCertificate(
                certificateFile: configuration.tlsCertificate,
                keyFile: configuration.tlsKey,
                protocols: protocols
            )
        } catch {
            throw StartFailure.wrongCertificate(error)
        }
    }

    static func secureOrigin(
        _ configuration: ServerConfiguration,
        _ certificate: ServerCertificate?
    ) -> OriginServer.SecureListener? {
        guard let port = configuration.httpsPort, let certificate else { return nil }
        return OriginServer.SecureListener(port: port, certificate: certificate)
    }

    static func secureListener(
        _ configuration: ServerConfiguration,
        _ certificate: ServerCertificate?
    ) -> RTMPServer.SecureListener? {
        guard let port = configuration.rtmpsPort, let certificate else { return nil }
        return RTMPServer.SecureListener(port: port, certificate: certificate)
    }

    static func clientTLS(_ configuration: ServerConfiguration) throws -> ClientTLS {
        do throws(ClientTLS.Fault) {
            return try ClientTLS(authorities: configuration.restreamAuthorities)
        } catch {
            throw StartFailure.wrongAuthorities(error)
        }
    }
}
