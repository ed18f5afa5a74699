/// Whether the process should be sent viewers and encoders, as `/readyz` tells it.
public enum Readiness: String, Sendable {
    /// It should.
    case ready
    /// It should, but recordings and old segments are lost until the disk works again.
    case degraded = "ready, but the disk fails: recordings get gaps"
    /// No new ones: it has more to do than it can. Those who are connected stay.
    case overloaded
    /// Not before it has started.
    case starting = "not ready yet"
    /// Not any more.
    case draining
}
