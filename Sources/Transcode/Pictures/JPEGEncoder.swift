internal import CLibAV
internal import NIOCore

/// Writes JPEG through libavcodec.
enum JPEGEncoder {
    /// How coarse a picture becomes: the quantizer scale of MPEG, 2 to 31, where less is better.
    enum Quality: Int32 {
        /// For pictures that are looked at: about what other encoders call 90.
        case poster = 3
        /// For small ones: about 80.
        case tile = 5
    }

    /// A picture as JPEG.
    static func encode(_ picture: Picture, _ quality: Quality) throws(LibAVError) -> ByteBuffer {
        LibAVLog.silence
        guard let codec = avcodec_find_encoder(AV_CODEC_ID_MJPEG) else {
            throw LibAVError(operation: "jpeg encoder", code: lyceum_av_error_encoder_not_found)
        }
        var context = avcodec_alloc_context3(codec)
        defer { avcodec_free_context(&context) }
        guard let context else { throw .noMemory("avcodec_alloc_context3") }
        context.pointee.width = Int32(picture.size.width)
        context.pointee.height = Int32(picture.size.height)
        // The same as planar YUV of all 256 values: the name that this encoder knows it by.
        context.pointee.pix_fmt = AV_PIX_FMT_YUVJ420P
        context.pointee.color_range = AVCOL_RANGE_JPEG
        context.pointee.time_base = AVRational(num: 1, den: 25)
        context.pointee.sample_aspect_ratio = AVRational(num: 1, den: 1)
        context.pointee.thread_count = 1
        context.pointee.flags |= AV_CODEC_FLAG_QSCALE | AV_CODEC_FLAG_BITEXACT
        context.pointee.global_quality = quality.rawValue * FF_QP2LAMBDA
        try LibAVError.check("open the jpeg encoder", avcodec_open2(context, codec, nil))
        let frame = try picture.frame.reference()
        frame.pointer.pointee.format = AV_PIX_FMT_YUVJ420P.rawValue
        frame.pointer.pointee.quality = quality.rawValue * FF_QP2LAMBDA
        frame.pointer.pointee.pts = 0
        frame.pointer.pointee.pict_type = AV_PICTURE_TYPE_NONE
        try LibAVError.check("encode", avcodec_send_frame(context, frame.pointer))
        try LibAVError.check("encode", avcodec_send_frame(context, nil))
        let packet = try Packet()
        try LibAVError.check("encode", avcodec_receive_packet(context, packet.pointer))
        return ByteBuffer(bytes: packet.bytes)
    }
}
