internal import CLibAV
internal import Glibc

/// Decodes one track through libavcodec.
///
/// Used by one thread at a time (libavcodec/avcodec.h: a context is not thread-safe).
final class Decoder {
    /// The most pixels that a picture may have: 8K, and a little more.
    ///
    /// Less than 200 MB for the deepest format that there is.
    static let maximumPixels: Int64 = 8192 * 4352

    private let context: UnsafeMutablePointer<AVCodecContext>

    /// A decoder.
    ///
    /// - Parameters:
    ///   - parameters: what the container says of the track.
    ///   - timeBase: the unit of the packets' times.
    ///   - threads: how many it may use.
    /// - Throws: ``LibAVError``; `AVERROR_DECODER_NOT_FOUND` when libavcodec has none for this codec.
    init(
        _ parameters: UnsafePointer<AVCodecParameters>,
        timeBase: AVRational,
        threads: Int
    ) throws(LibAVError) {
        LibAVLog.silence
        guard let codec = avcodec_find_decoder(parameters.pointee.codec_id) else {
            throw LibAVError(operation: "decoder", code: lyceum_av_error_decoder_not_found)
        }
        guard let context = avcodec_alloc_context3(codec) else { throw .noMemory("avcodec_alloc_context3") }
        self.context = context
        try LibAVError.check("avcodec_parameters_to_context", avcodec_parameters_to_context(context, parameters))
        context.pointee.pkt_timebase = timeBase
        context.pointee.thread_count = Int32(max(1, threads))
        context.pointee.max_pixels = Self.maximumPixels
        try LibAVError.check("avcodec_open2", avcodec_open2(context, codec, nil))
    }

    deinit {
        var context: UnsafeMutablePointer<AVCodecContext>? = context
        avcodec_free_context(&context)
    }

    /// Takes a packet, or the end of them.
    ///
    /// - Parameter packet: the packet; `nil` for the end.
    /// - Returns: false when ``receive()`` has to be called first.
    /// - Throws: ``LibAVError`` for what cannot be decoded; the next packet may be.
    func send(_ packet: UnsafePointer<AVPacket>?) throws(LibAVError) -> Bool {
        let code = avcodec_send_packet(context, packet)
        if code == lyceum_av_error_again { return false }
        // A decoder that has been told of the end already says so.
        if code == lyceum_av_error_eof { return true }
        try LibAVError.check("decode", code)
        return true
    }

    /// A decoded frame; `nil` when more packets are needed, or all has been decoded.
    ///
    /// - Throws: ``LibAVError`` for what cannot be decoded; the next frame may be.
    func receive() throws(LibAVError) -> Frame? {
        let frame = try Frame()
        let code = avcodec_receive_frame(context, frame.pointer)
        if code == lyceum_av_error_again || code == lyceum_av_error_eof { return nil }
        try LibAVError.check("decode", code)
        return frame
    }

    /// Decodes a packet, or what is left at the end.
    ///
    /// - Parameters:
    ///   - packet: the packet; `nil` for the end.
    ///   - take: takes each frame that comes of it.
    /// - Returns: how often something could not be decoded; the rest goes on.
    /// - Throws: what `take` throws, and ``LibAVError`` when there is no memory.
    func decode(
        _ packet: UnsafePointer<AVPacket>?,
        _ take: (Frame) throws(LibAVError) -> Void
    ) throws(LibAVError) -> Int {
        var failures = 0
        var isTaken = false
        // A frame for each round but the last: a decoder that gives none for a packet has taken it, or never will.
        for _ in 0..<Self.maximumFrames {
            if !isTaken {
                do throws(LibAVError) { isTaken = try send(packet) } catch {
                    if error.code == -ENOMEM { throw error }
                    failures += 1
                    isTaken = true
                }
            }
            let frame: Frame?
            do throws(LibAVError) { frame = try receive() } catch {
                if error.code == -ENOMEM { throw error }
                failures += 1
                continue
            }
            guard let frame else {
                if isTaken { return failures }
                return failures + 1
            }
            try take(frame)
        }
        return failures
    }

    /// The most frames that one packet may give, or all that a decoder may hold: a packet of sound has some hundred at most.
    private static let maximumFrames = 4096
}
