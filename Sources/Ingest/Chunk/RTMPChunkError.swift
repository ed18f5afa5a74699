/// What is wrong with a peer's chunks.
///
/// None of these can be repaired: the place in the byte stream is lost.
enum RTMPChunkError: Error, Hashable, CustomStringConvertible {
    /// A header announces a message longer than is taken now.
    case messageTooLong(length: Int, allowed: Int)
    /// One more chunk stream than is taken.
    case tooManyChunkStreams(allowed: Int)
    /// Incomplete messages hold more memory than is given.
    case tooManyPartialBytes(allowed: Int)
    /// A chunk refers to an earlier one of its chunk stream, and there was none (RTMP 1.0 §5.3.1.2.4).
    case nothingToRepeat(fmt: UInt8, chunkStreamID: Int)
    /// A new message begins on a chunk stream whose last one is not complete.
    case messageInsideMessage(fmt: UInt8, chunkStreamID: Int)
    /// Set Chunk Size with 0 or with the top bit (§5.4.1).
    case invalidChunkSize(UInt32)
    /// A protocol control message with less than its four bytes (§5.4).
    case shortControlMessage(typeID: UInt8, length: Int)

    var description: String {
        switch self {
        case .messageTooLong(let length, let allowed): "message of \(length) bytes, allowed \(allowed)"
        case .tooManyChunkStreams(let allowed): "more than the \(allowed) chunk streams allowed"
        case .tooManyPartialBytes(let allowed): "incomplete messages need more than the \(allowed) bytes allowed"
        case .nothingToRepeat(let fmt, let id):
            "chunk of type \(fmt) on chunk stream \(id), which has no message to go on from"
        case .messageInsideMessage(let fmt, let id):
            "chunk of type \(fmt) inside an incomplete message on chunk stream \(id)"
        case .invalidChunkSize(let size): "chunk size \(size), allowed 1 to 2147483647"
        case .shortControlMessage(let type, let length):
            "control message of type \(type) with \(length) bytes, expected 4"
        }
    }
}
