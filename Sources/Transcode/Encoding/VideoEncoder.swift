internal import CLibAV

/// Encodes pictures as H.264 for streaming, through libx264.
///
/// A keyframe where it is told to and nowhere else, no group of pictures that needs another one, and a bit rate that a player can
/// rely on.
final class VideoEncoder {
    /// What is encoded.
    struct Format {
        /// The size of all pictures.
        var size: PictureSize
        /// Pictures a second, nominally: the encoder is told no other times.
        var frameRate: AVRational
        /// The colors, as ISO/IEC 23091-2 numbers them.
        var primaries = AVCOL_PRI_UNSPECIFIED
        var transfer = AVCOL_TRC_UNSPECIFIED
        var matrix = AVCOL_SPC_UNSPECIFIED
    }

    /// The quality that is aimed at: libx264's constant rate factor, where 18 is hardly told from the source and 23 the default.
    private static let rateFactor = "21"
    /// So many pictures at most from one keyframe to the next, should it not be told: ten seconds of 60.
    private static let longestGroup: Int32 = 600

    private let context: UnsafeMutablePointer<AVCodecContext>

    /// Opens the encoder.
    init(_ format: Format, threads: Int) throws(LibAVError) {
        LibAVLog.silence
        guard let codec = avcodec_find_encoder_by_name("libx264") else {
            throw LibAVError(operation: "h.264 encoder libx264", code: lyceum_av_error_encoder_not_found)
        }
        guard let context = avcodec_alloc_context3(codec) else { throw .noMemory("avcodec_alloc_context3") }
        self.context = context
        context.pointee.width = Int32(format.size.width)
        context.pointee.height = Int32(format.size.height)
        context.pointee.pix_fmt = AV_PIX_FMT_YUV420P
        context.pointee.time_base = AVRational(num: format.frameRate.den, den: format.frameRate.num)
        context.pointee.framerate = format.frameRate
        context.pointee.sample_aspect_ratio = AVRational(num: 1, den: 1)
        context.pointee.color_range = AVCOL_RANGE_MPEG
        context.pointee.color_primaries = format.primaries
        context.pointee.color_trc = format.transfer
        context.pointee.colorspace = format.matrix
        context.pointee.gop_size = Self.longestGroup
        context.pointee.thread_count = Int32(max(1, threads))
        context.pointee.flags |= AV_CODEC_FLAG_GLOBAL_HEADER | Int32(bitPattern: AV_CODEC_FLAG_CLOSED_GOP)
        let rate = Self.maximumBitRate(format)
        context.pointee.rc_max_rate = rate
        context.pointee.rc_buffer_size = Int32(clamping: rate * 2)
        for (name, value) in [
            ("preset", "veryfast"), ("profile", "high"), ("crf", Self.rateFactor), ("forced-idr", "1"),
            ("sc_threshold", "0"),
        ] { av_opt_set(context, name, value, AV_OPT_SEARCH_CHILDREN) }
        try LibAVError.check("open the h.264 encoder", avcodec_open2(context, codec, nil))
    }

    deinit {
        var context: UnsafeMutablePointer<AVCodecContext>? = context
        avcodec_free_context(&context)
    }

    /// The highest bit rate over two seconds: 6 Mbit/s for 1080p of 30 pictures a second, less for less.
    static func maximumBitRate(_ format: Format) -> Int64 {
        let share = Double(format.size.width * format.size.height) / (1920 * 1080)
        let speed = max(10, av_q2d(format.frameRate)) / 30
        // Not in proportion: small pictures have more detail a pixel, and fast ones less news.
        let rate = 6_000_000 * share.squareRoot() * share.squareRoot().squareRoot() * speed.squareRoot()
        return Int64(min(10_000_000, max(300_000, rate)))
    }

    /// The parameter sets.
    var parameterSets: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: context.pointee.extradata, count: Int(context.pointee.extradata_size))
    }

    /// Takes a picture, or the end of them.
    func send(_ frame: Frame?) throws(LibAVError) {
        try LibAVError.check("encode", avcodec_send_frame(context, frame?.pointer))
    }

    /// An access unit; `nil` when more pictures are needed, or all are out.
    func receive() throws(LibAVError) -> Packet? { try context.nextPacket() }
}

extension UnsafeMutablePointer<AVCodecContext> {
    /// What an encoder has ready; `nil` when it needs more, or all is out.
    func nextPacket() throws(LibAVError) -> Packet? {
        let packet = try Packet()
        let code = avcodec_receive_packet(self, packet.pointer)
        if code == lyceum_av_error_again || code == lyceum_av_error_eof { return nil }
        try LibAVError.check("encode", code)
        return packet
    }
}
