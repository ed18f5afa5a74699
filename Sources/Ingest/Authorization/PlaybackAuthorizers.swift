public import MediaCore

/// Lets everybody play.
public struct OpenPlaybackAuthorizer: PlaybackAuthorizer {
    /// The authorizer.
    public init() {}

    /// Allows.
    public func authorize(_ request: PlayRequest) -> PlayDecision { .allow }
}

/// Lets those play that run on the server's own machine: recorders, analysers and relays beside it.
///
/// What comes through a proxy on this machine comes from this machine.
public struct LocalPlaybackAuthorizer: PlaybackAuthorizer {
    /// The authorizer.
    public init() {}

    /// Allows a peer on a loopback address (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3).
    public func authorize(_ request: PlayRequest) -> PlayDecision {
        let address = request.peerAddress
        let isLocal = address == "::1" || address.hasPrefix("127.") || address.hasPrefix("::ffff:127.")
        let reason = "lives can be played over RTMP on the server's own machine only: open the watch page instead"
        return isLocal ? .allow : .deny(reason: reason)
    }
}
