public import MediaCore

/// Lets those play who show a ``PlaybackToken``.
public struct SignedPlaybackAuthorizer: PlaybackAuthorizer {
    private let key: Secret
    private let now: @Sendable () -> Int

    /// The authorizer.
    ///
    /// - Parameters:
    ///   - key: what tokens are signed with.
    ///   - now: seconds since 1970.
    public init(key: Secret, now: @escaping @Sendable () -> Int) {
        self.key = key
        self.now = now
    }

    /// Judges the token that a player shows.
    public func authorize(_ request: PlayRequest) -> PlayDecision {
        guard let token = request.token?.revealed else {
            return .deny(reason: "This live is for viewers with a link.")
        }
        do throws(PlaybackToken.Fault) {
            try PlaybackToken(token, key: key).check(for: request.stream, from: request.peerAddress, at: now())
            return .allow
        } catch {
            return .deny(reason: error.reason)
        }
    }
}
