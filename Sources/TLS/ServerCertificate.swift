public import NIOSSL
internal import NIOCore
internal import Synchronization

/// A server's certificate chain and private key from PEM files, taken up again when the files change.
///
/// Connections that are open keep what they began with; new ones get the newest pair that fits together.
public final class ServerCertificate: Sendable {
    /// What is wrong with the files.
    public enum Fault: Error, Hashable, Sendable, CustomStringConvertible {
        /// The file with the certificate chain cannot be read, or holds none.
        case unusableCertificate(file: String, reason: String)
        /// The file with the private key cannot be read, holds none, or is encrypted.
        case unusableKey(file: String, reason: String)
        /// The key is not that of the first certificate.
        case mismatch(certificate: String, key: String)

        /// The problem with the file that has it.
        public var description: String {
            switch self {
            case .unusableCertificate(let file, let reason): "no certificate in PEM form in \(file): \(reason)"
            case .unusableKey(let file, let reason):
                "no private key in PEM form without a passphrase in \(file): \(reason)"
            case .mismatch(let certificate, let key): "the private key in \(key) is not that of \(certificate)"
            }
        }
    }

    /// What a look at the files has brought.
    public enum Change: Hashable, Sendable {
        /// The files are those of the last look.
        case none
        /// New connections get another certificate from now on.
        case replaced
        /// The files have changed into something that cannot be used; what there was stays in use.
        case refused(Fault)
    }

    private struct State {
        var context: NIOSSLContext
        var expiry: Int
        /// What the files looked like when they were last read, usable or not.
        var fingerprint: [FileFingerprint?]
    }

    private let certificateFile: String
    private let keyFile: String
    private let protocols: [String]
    private let state: Mutex<State>

    /// Reads the files.
    ///
    /// - Parameters:
    ///   - certificateFile: the certificate, and after it those up to a root that clients know.
    ///   - keyFile: the private key.
    ///   - protocols: what is offered by ALPN (RFC 7301), the best one first; empty to say nothing of it.
    /// - Throws: ``Fault``.
    public init(certificateFile: String, keyFile: String, protocols: [String] = []) throws(Fault) {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.protocols = protocols
        let fingerprint = Self.fingerprint(certificateFile, keyFile)
        let (context, expiry) = try Self.load(certificateFile, keyFile, protocols)
        state = Mutex(State(context: context, expiry: expiry, fingerprint: fingerprint))
    }

    /// What a new connection is secured with.
    public var context: NIOSSLContext { state.withLock { $0.context } }

    /// When the certificate in use ends, in seconds since 1970.
    public var expiry: Int { state.withLock { $0.expiry } }

    /// Looks at the files, and takes them up when they have changed.
    ///
    /// Reads files: not to be called on an event loop.
    public func reload() -> Change {
        let fingerprint = Self.fingerprint(certificateFile, keyFile)
        let isKnown = state.withLock { state in
            defer { state.fingerprint = fingerprint }
            return state.fingerprint == fingerprint
        }
        guard !isKnown else { return .none }
        do throws(Fault) {
            let (context, expiry) = try Self.load(certificateFile, keyFile, protocols)
            state.withLock { state in
                state.context = context
                state.expiry = expiry
            }
            return .replaced
        } catch {
            return .refused(error)
        }
    }

    private static func fingerprint(_ files: String...) -> [FileFingerprint?] { files.map { FileFingerprint($0) } }

    private static func load(
        _ certificateFile: String,
        _ keyFile: String,
        _ protocols: [String]
    ) throws(Fault) -> (NIOSSLContext, Int) {
        let chain: [NIOSSLCertificate]
        do {
            chain = try NIOSSLCertificate.fromPEMFile(certificateFile)
        } catch {
            throw .unusableCertificate(file: certificateFile, reason: "\(error)")
        }
        guard let leaf = chain.first else { throw .unusableCertificate(file: certificateFile, reason: "it is empty") }
        let key: NIOSSLPrivateKey
        do {
            // An encrypted key must not make BoringSSL ask at the terminal: an empty passphrase fails at once.
            key = try NIOSSLPrivateKey(file: keyFile, format: .pem) { (set: ([UInt8]) -> Void) in set([]) }
        } catch {
            throw .unusableKey(file: keyFile, reason: "\(error)")
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = protocols
        do {
            // Making the context compares the key with the certificate.
            return (try NIOSSLContext(configuration: configuration), Int(leaf.notValidAfter))
        } catch {
            throw .mismatch(certificate: certificateFile, key: keyFile)
        }
    }
}
