/// Somebody whom the server does not serve yet.
public enum Newcomer: Hashable, Sendable {
    /// An encoder that may publish this stream.
    case publisher(StreamID)
    /// Somebody who begins to watch over HTTP.
    case viewer
    /// A program that begins to play over RTMP.
    case player
}

/// Decides whether there is room for somebody more.
///
/// Whoever is refused is told so in its protocol's own words and may come again; those who are served are never asked about.
public protocol Admission: Sendable {
    /// Whether a newcomer is taken; counts those who are not.
    ///
    /// To be asked on the event loop that would serve the newcomer. While there is room it costs one atomic load.
    func admits(_ newcomer: Newcomer) -> Bool
}

/// Room for everybody.
public struct OpenAdmission: Admission {
    /// Everybody is taken.
    public init() {}

    /// Takes everybody.
    public func admits(_ newcomer: Newcomer) -> Bool { true }
}
