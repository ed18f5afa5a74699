public import NIOSSL

/// What connections to other servers are secured with: their certificates have to be signed by the system's authorities, or
/// by further ones.
public struct ClientTLS: Sendable {
    /// Why the further authorities cannot be used.
    public struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
        /// The file.
        public let file: String
        /// What is wrong with it.
        public let reason: String

        /// The problem with the file.
        public var description: String { "no certificate in PEM form in \(file): \(reason)" }
    }

    /// What connections are made with.
    public let context: NIOSSLContext

    /// Reads the authorities.
    ///
    /// - Parameter authorities: a file with further authorities in PEM form; empty for none.
    /// - Throws: ``Fault``.
    public init(authorities: String) throws(Fault) {
        do {
            var configuration = TLSConfiguration.makeClientConfiguration()
            if !authorities.isEmpty {
                let certificates = try NIOSSLCertificate.fromPEMFile(authorities)
                configuration.additionalTrustRoots = [.certificates(certificates)]
            }
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw Fault(file: authorities, reason: "\(error)")
        }
    }
}
