import NIOCore
import Storage

/// A piece of a body that is not sent from memory as a whole.
enum BodyChunk: Sendable {
    case bytes(ByteBuffer)
    case region(OpenRegion)

    /// How many bytes there are.
    var length: Int {
        switch self {
        case .bytes(let bytes): bytes.readableBytes
        case .region(let region): region.length
        }
    }
}

/// Gives out a body, a chunk at a time, as its connection can send more.
///
/// Belongs to the connection's event loop.
protocol BodyTransfer: AnyObject {
    /// Whether a chunk is on its way.
    var isReading: Bool { get }
    /// Whether everything was given out.
    var isAtEnd: Bool { get }
    /// Whether chunks come when an application has some, which may be never: no fault of the client's.
    var waitsForApplication: Bool { get }

    /// The next chunk, if it can be had without waiting.
    ///
    /// Not to be called while it reads.
    func next() -> BodyChunk?

    /// Gets the next chunk.
    ///
    /// Not to be called while it reads, or at the end.
    ///
    /// - Parameter receive: called once, on the event loop, unless the transfer is cancelled before.
    func readOn(_ receive: @escaping (Result<BodyChunk, any Error>) -> Void)

    /// Lets go of the body: nobody wants the rest.
    func cancel()
}
