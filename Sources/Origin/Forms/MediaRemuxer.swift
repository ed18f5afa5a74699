public import NIOCore

/// Makes other forms of the media that lives are stored in.
///
/// The origin knows names and playlists, and no container.
/// Called when the first viewer asks for a form; what it makes is kept beside what it was made of.
public protocol MediaRemuxer: Sendable {
    /// Why media with this initialization segment cannot be had as a transport stream, in words for whoever asks; `nil` when
    /// it can.
    func transportStreamRefusal(of initialization: ByteBuffer) -> String?

    /// Makes the transport stream of a segment.
    ///
    /// - Parameters:
    ///   - pieces: the bytes of the segment, one piece behind the other.
    ///   - initialization: the initialization segment that applies to it.
    /// - Returns: whole packets.
    /// - Throws: an error whose text says why there is none.
    func transportStream(of pieces: [ByteBuffer], initialization: ByteBuffer) throws -> ByteBuffer

    /// Makes the initialization segment for the sound alone.
    ///
    /// - Throws: an error whose text says why there is none, as where there is no sound.
    func soundInitialization(_ initialization: ByteBuffer) throws -> ByteBuffer

    /// Makes the sound of a segment or a part.
    ///
    /// - Parameters:
    ///   - pieces: its bytes, one piece behind the other.
    ///   - initialization: the initialization segment that applies to it.
    /// - Returns: fragments with the audio tracks alone.
    /// - Throws: an error whose text says why there is none.
    func sound(of pieces: [ByteBuffer], initialization: ByteBuffer) throws -> ByteBuffer
}
