internal import CLibAV
internal import Glibc

/// A picture or a stretch of sound that is not coded.
final class Frame {
    /// What the libraries know it by.
    let pointer: UnsafeMutablePointer<AVFrame>

    /// A frame without content.
    init() throws(LibAVError) {
        guard let frame = av_frame_alloc() else { throw .noMemory("av_frame_alloc") }
        pointer = frame
    }

    deinit {
        var frame: UnsafeMutablePointer<AVFrame>? = pointer
        av_frame_free(&frame)
    }

    /// A picture to be drawn on.
    convenience init(width: Int, height: Int, format: AVPixelFormat) throws(LibAVError) {
        try self.init()
        pointer.pointee.width = Int32(width)
        pointer.pointee.height = Int32(height)
        pointer.pointee.format = format.rawValue
        try LibAVError.check("av_frame_get_buffer", av_frame_get_buffer(pointer, 0))
    }

    /// Sound to be filled in: a plane of floating-point samples for each channel.
    convenience init(samples: Int, channels: Int, rate: Int) throws(LibAVError) {
        try self.init()
        pointer.pointee.nb_samples = Int32(samples)
        pointer.pointee.sample_rate = Int32(rate)
        pointer.pointee.format = AV_SAMPLE_FMT_FLTP.rawValue
        av_channel_layout_default(&pointer.pointee.ch_layout, Int32(channels))
        try LibAVError.check("av_frame_get_buffer", av_frame_get_buffer(pointer, 0))
    }

    /// The samples of a channel, for sound of such planes.
    func samples(of channel: Int) -> UnsafeMutablePointer<Float>? {
        UnsafeMutableRawPointer(pointer.pointee.extended_data[channel])?.assumingMemoryBound(to: Float.self)
    }

    /// Another frame with the same content.
    func reference() throws(LibAVError) -> Frame {
        let copy = try Frame()
        try LibAVError.check("av_frame_ref", av_frame_ref(copy.pointer, pointer))
        return copy
    }

    /// Pixels a row.
    var width: Int { Int(pointer.pointee.width) }
    /// Rows.
    var height: Int { Int(pointer.pointee.height) }
    /// How its pixels are stored.
    var pixelFormat: AVPixelFormat { AVPixelFormat(rawValue: pointer.pointee.format) }

    /// One row of one plane; `nil` where there is none.
    func row(_ index: Int, of plane: Int) -> UnsafeMutablePointer<UInt8>? {
        lyceum_av_plane(pointer, Int32(plane))?.advanced(by: index * Int(lyceum_av_line_size(pointer, Int32(plane))))
    }
}

extension LibAVError {
    /// A function that allocates has returned nothing.
    static func noMemory(_ operation: String) -> LibAVError { LibAVError(operation: operation, code: -ENOMEM) }
}

/// A piece of coded media.
final class Packet {
    /// What the libraries know it by.
    let pointer: UnsafeMutablePointer<AVPacket>

    /// A packet without content.
    init() throws(LibAVError) {
        guard let packet = av_packet_alloc() else { throw .noMemory("av_packet_alloc") }
        pointer = packet
    }

    deinit {
        var packet: UnsafeMutablePointer<AVPacket>? = pointer
        av_packet_free(&packet)
    }

    /// Its bytes.
    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: pointer.pointee.data, count: Int(max(0, pointer.pointee.size)))
    }

    /// Lets go of its content.
    func clear() { av_packet_unref(pointer) }
}
