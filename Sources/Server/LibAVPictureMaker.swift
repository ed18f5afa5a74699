import Glibc
import NIOCore
import Origin
import Transcode

/// Gives viewers pictures of lives, through libavcodec.
struct LibAVPictureMaker: PictureMaker {
    /// How far lives come first: the nice value of the threads that make pictures.
    private static let niceValue: Int32 = 10

    func poster(initialization: ByteBuffer, pieces: [ByteBuffer], largestWidth: Int) throws -> ByteBuffer? {
        // On Linux this is the calling thread's own, whatever the name says; it is the origin's thread for this alone.
        setpriority(Int32(PRIO_PROCESS.rawValue), 0, Self.niceValue)
        return try LivePicture.poster(initialization: initialization, pieces: pieces, largestWidth: largestWidth)
    }
}
