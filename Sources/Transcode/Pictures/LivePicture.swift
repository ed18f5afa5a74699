public import NIOCore

/// Pictures of media that is not in a file.
public enum LivePicture {
    /// A picture of the first keyframe of a segment, as JPEG.
    ///
    /// Blocks for as long as one picture takes to decode, on the caller's thread alone.
    ///
    /// - Parameters:
    ///   - initialization: the initialization segment that applies to the segment.
    ///   - pieces: its bytes, one piece behind the other; they may end behind the keyframe.
    ///   - largestWidth: the most pixels each way.
    /// - Returns: the picture; `nil` when the media has no track with pictures that can be decoded.
    /// - Throws: ``PictureError``.
    public static func poster(
        initialization: ByteBuffer,
        pieces: [ByteBuffer],
        largestWidth: Int
    ) throws(PictureError) -> ByteBuffer? {
        let box = PictureSize(width: largestWidth, height: largestWidth)
        let keyframe: KeyframeDecoder.Keyframe
        do throws(PictureError) {
            keyframe = try KeyframeDecoder.decode(initialization: initialization, pieces: pieces)
        } catch .noPictures {
            return nil
        }
        do throws(LibAVError) {
            return try JPEGEncoder.encode(try Picture(keyframe, fitting: box), .poster)
        } catch {
            throw .library(error)
        }
    }
}
