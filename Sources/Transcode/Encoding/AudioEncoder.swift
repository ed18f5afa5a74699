internal import CLibAV

/// Encodes sound as AAC-LC, through libavcodec's own encoder.
final class AudioEncoder {
    private let context: UnsafeMutablePointer<AVCodecContext>

    /// Opens the encoder.
    ///
    /// - Parameters:
    ///   - rate: samples a second.
    ///   - channels: one or two.
    /// - Throws: ``LibAVError`` when the encoder does not take these.
    init(rate: Int, channels: Int) throws(LibAVError) {
        LibAVLog.silence
        guard let codec = avcodec_find_encoder(AV_CODEC_ID_AAC) else {
            throw LibAVError(operation: "aac encoder", code: lyceum_av_error_encoder_not_found)
        }
        guard let context = avcodec_alloc_context3(codec) else { throw .noMemory("avcodec_alloc_context3") }
        self.context = context
        context.pointee.sample_fmt = AV_SAMPLE_FMT_FLTP
        context.pointee.sample_rate = Int32(rate)
        av_channel_layout_default(&context.pointee.ch_layout, Int32(channels))
        context.pointee.bit_rate = channels == 1 ? 96_000 : 160_000
        context.pointee.time_base = AVRational(num: 1, den: Int32(rate))
        context.pointee.thread_count = 1
        context.pointee.flags |= AV_CODEC_FLAG_GLOBAL_HEADER
        try LibAVError.check("open the aac encoder", avcodec_open2(context, codec, nil))
    }

    deinit {
        var context: UnsafeMutablePointer<AVCodecContext>? = context
        avcodec_free_context(&context)
    }

    /// Samples in a frame: 1024.
    var frameSize: Int { Int(context.pointee.frame_size) }

    /// The AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1).
    var configuration: [UInt8] {
        Array(UnsafeRawBufferPointer(start: context.pointee.extradata, count: Int(context.pointee.extradata_size)))
    }

    /// Takes a frame of ``frameSize`` samples, the last one of fewer, or the end of them.
    func send(_ frame: Frame?) throws(LibAVError) {
        try LibAVError.check("encode", avcodec_send_frame(context, frame?.pointer))
    }

    /// An access unit; `nil` when more sound is needed, or all is out.
    func receive() throws(LibAVError) -> Packet? { try context.nextPacket() }
}
