internal import CLibAV
internal import NIOCore
public import Storage

/// Why there is no picture.
public enum PictureError: Error, Hashable, Sendable, CustomStringConvertible {
    /// There is no track with pictures, or none that can be decoded here.
    case noPictures
    /// No picture that can be decoded by itself is among the bytes.
    case noKeyframe
    /// The libraries cannot make anything of it.
    case library(LibAVError)
    /// The recording cannot be read, or the pictures cannot be written.
    case storage(StorageFailure)
    /// Whoever asked for them wants them no longer.
    case cancelled

    /// The reason in words.
    public var description: String {
        switch self {
        case .noPictures: "there is no track with pictures that can be decoded"
        case .noKeyframe: "there is no keyframe"
        case .library(let error): "\(error)"
        case .storage(let failure): "\(failure)"
        case .cancelled: "cancelled"
        }
    }
}

/// Decodes the first keyframe of fragmented MP4.
///
/// The bytes may end behind that keyframe: what follows it is not looked at. One thread, and nothing is kept between calls.
enum KeyframeDecoder {
    /// How many packets are looked at to find a keyframe: more than a segment of 60 pictures a second has in 15 seconds.
    private static let maximumPackets = 4096

    /// A decoded picture and how it is to be shown.
    struct Keyframe {
        /// The picture as it was coded.
        let frame: Frame
        /// How wide a coded pixel is shown, its height being 1.
        let pixelAspectRatio: Double
        /// How it is turned.
        let orientation: Orientation
    }

    /// Decodes the first keyframe.
    ///
    /// - Parameters:
    ///   - initialization: the initialization segment.
    ///   - pieces: a segment, or as many of its first bytes as have a keyframe.
    /// - Returns: the picture.
    /// - Throws: ``PictureError``.
    static func decode(initialization: ByteBuffer, pieces: [ByteBuffer]) throws(PictureError) -> Keyframe {
        do throws(LibAVError) {
            let input = try MemoryInput([initialization] + pieces)
            let media = try Media(input)
            guard let stream = media.pictures else { throw .noDecoder }
            return try decode(stream, of: media)
        } catch {
            throw switch error.code {
            case lyceum_av_error_decoder_not_found, lyceum_av_error_stream_not_found: .noPictures
            case lyceum_av_error_eof: .noKeyframe
            default: .library(error)
            }
        }
    }

    private static func decode(
        _ stream: UnsafeMutablePointer<AVStream>,
        of media: Media
    ) throws(LibAVError) -> Keyframe {
        let decoder = try Decoder(stream.pointee.codecpar, timeBase: stream.pointee.time_base, threads: 1)
        let packet = try Packet()
        for _ in 0..<maximumPackets {
            packet.clear()
            try LibAVError.check("read", av_read_frame(media.context, packet.pointer))
            guard packet.pointer.pointee.stream_index == stream.pointee.index,
                packet.pointer.pointee.flags & AV_PKT_FLAG_KEY != 0
            else { continue }
            _ = try decoder.send(packet.pointer)
            _ = try decoder.send(nil)
            guard let frame = try decoder.receive() else { continue }
            let ratio = av_guess_sample_aspect_ratio(media.context, stream, frame.pointer)
            return Keyframe(
                frame: frame,
                pixelAspectRatio: ratio.num > 0 && ratio.den > 0 ? Double(ratio.num) / Double(ratio.den) : 1,
                orientation: Orientation(of: stream)
            )
        }
        throw LibAVError(operation: "read", code: lyceum_av_error_eof)
    }

    /// Fragmented MP4 that libavformat reads from memory.
    private final class Media {
        let context: UnsafeMutablePointer<AVFormatContext>
        private let input: MemoryInput

        init(_ input: MemoryInput) throws(LibAVError) {
            guard let context = avformat_alloc_context() else { throw .noMemory("avformat_alloc_context") }
            context.pointee.pb = input.context
            context.pointee.flags |= AVFMT_FLAG_CUSTOM_IO
            context.pointee.max_streams = 64
            var opened: UnsafeMutablePointer<AVFormatContext>? = context
            // Frees the context when it fails.
            try LibAVError.check("open", avformat_open_input(&opened, nil, av_find_input_format("mp4"), nil))
            self.context = context
            self.input = input
        }

        deinit {
            var context: UnsafeMutablePointer<AVFormatContext>? = context
            avformat_close_input(&context)
        }

        /// The first track with pictures.
        var pictures: UnsafeMutablePointer<AVStream>? {
            for index in 0..<Int(context.pointee.nb_streams) {
                guard let stream = context.pointee.streams[index] else { continue }
                if stream.pointee.codecpar.pointee.codec_type == AVMEDIA_TYPE_VIDEO { return stream }
            }
            return nil
        }
    }
}

extension LibAVError {
    fileprivate static let noDecoder = LibAVError(operation: "find", code: lyceum_av_error_stream_not_found)
}

extension Orientation {
    /// What the container says of a track.
    init(of stream: UnsafePointer<AVStream>) {
        self.init(
            matrix: av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, nil)?
                .withMemoryRebound(to: Int32.self, capacity: 9) { Array(UnsafeBufferPointer(start: $0, count: 9)) }
                ?? []
        )
    }
}
