public import NIOCore

/// Makes pictures of the media that lives are stored in.
///
/// The origin knows names and playlists, and no codec. Called off the event loops, on one thread of the origin's own.
public protocol PictureMaker: Sendable {
    /// Makes a picture of the first keyframe of a segment.
    ///
    /// Blocks.
    ///
    /// - Parameters:
    ///   - initialization: the initialization segment that applies to it.
    ///   - pieces: its bytes, one piece behind the other; the last ones may still be to come.
    ///   - largestWidth: how many pixels it may be wide, and high.
    /// - Returns: JPEG; `nil` when this media has no pictures.
    /// - Throws: an error whose text says why there is none now.
    func poster(initialization: ByteBuffer, pieces: [ByteBuffer], largestWidth: Int) throws -> ByteBuffer?
}
