import Glibc
import ArgumentParser
import NIOCore
import Origin
import TLS

/// Why the server could not start, in one sentence with what to do about it.
struct StartFailure: Error, CustomStringConvertible {
    let description: String
    let exitCode: ExitCode

    /// Something that the server needs cannot be had.
    static func unavailable(_ description: String) -> StartFailure {
        StartFailure(description: description, exitCode: .unavailable)
    }

    /// The settings name an hls.js that cannot be used.
    static func wrongHLSJavaScript(_ fault: HLSJavaScriptSource.Fault) -> StartFailure {
        let keys =
            "\(ConfigurationKey.hlsJavaScript.environmentName), \(ConfigurationKey.hlsJavaScriptURL.environmentName)"
        return StartFailure(description: "\(keys): \(fault)", exitCode: .wrongConfiguration)
    }

    /// The settings name a certificate that cannot be used.
    static func wrongCertificate(_ fault: ServerCertificate.Fault) -> StartFailure {
        let keys = "\(ConfigurationKey.tlsCertificate.environmentName), \(ConfigurationKey.tlsKey.environmentName)"
        return StartFailure(description: "\(keys): \(fault)", exitCode: .wrongConfiguration)
    }

    /// The settings name authorities that cannot be used.
    static func wrongAuthorities(
        _ fault: ClientTLS.Fault,
        key: ConfigurationKey = .restreamAuthorities
    ) -> StartFailure {
        StartFailure(description: "\(key.environmentName): \(fault)", exitCode: .wrongConfiguration)
    }

    /// An address cannot be listened on.
    static func cannotListen(host: String, port: Int, key: ConfigurationKey, error: any Error) -> StartFailure {
        let remedy = "set \(key.environmentName) to another one"
        let problem: String
        switch (error as? IOError)?.errnoCode {
        case EADDRINUSE: problem = "port \(port) on \(host) is taken: stop what uses it, or \(remedy)"
        case EACCES: problem = "port \(port) on \(host) is not for this user: \(remedy), above 1023"
        case EADDRNOTAVAIL: problem = "\(host) is no address of this machine"
        default: problem = "cannot listen on \(host), port \(port): \(error)"
        }
        return .unavailable(problem)
    }
}
