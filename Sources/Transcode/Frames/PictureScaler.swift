internal import CLibAV

/// Brings pictures to one size and form through libswscale.
///
/// What it is told of the next picture may differ from that of the last one; used by one thread at a time.
final class PictureScaler {
    /// The colors of what comes out.
    enum Colors {
        /// Those of JPEG: the matrix of BT.601 and all 256 values.
        case jpeg
        /// Those of the pictures that go in, in the range of video.
        case video
    }

    /// What a context is made for.
    private struct Form: Equatable {
        var width: Int32
        var height: Int32
        var format: Int32
        var matrix: Int32
        var isFullRange: Bool
    }

    /// The size of what comes out.
    let size: PictureSize
    private let format: AVPixelFormat
    private let colors: Colors
    private let flags: Int32
    private var context: OpaquePointer?
    private var form: Form?

    /// A scaler.
    ///
    /// - Parameters:
    ///   - size: the size of what comes out.
    ///   - format: how its pixels are stored.
    ///   - colors: its colors.
    ///   - flags: the method of libswscale.
    init(to size: PictureSize, format: AVPixelFormat, colors: Colors, flags: Int32) {
        self.size = size
        self.format = format
        self.colors = colors
        self.flags = flags
    }

    deinit { sws_freeContext(context) }

    /// The picture, scaled.
    ///
    /// Of an interlaced picture only the first field is shown: two moments in one picture would be seen as a comb.
    func scale(_ picture: Frame) throws(LibAVError) -> Frame {
        var source = picture
        if picture.pointer.pointee.interlaced_frame != 0, picture.height >= 4 {
            source = try picture.reference()
            lyceum_av_take_first_field(source.pointer)
        }
        let context = try context(for: source)
        let scaled = try Frame(width: size.width, height: size.height, format: format)
        try LibAVError.check("sws_scale_frame", sws_scale_frame(context, scaled.pointer, source.pointer))
        scaled.pointer.pointee.pts = picture.pointer.pointee.pts
        return scaled
    }

    private func context(for picture: Frame) throws(LibAVError) -> OpaquePointer {
        let frame = picture.pointer.pointee
        let wanted = Form(
            width: frame.width,
            height: frame.height,
            format: frame.format,
            matrix: Self.matrix(of: frame),
            isFullRange: frame.color_range == AVCOL_RANGE_JPEG || Self.isFullRange(picture.pixelFormat)
        )
        if let context, form == wanted { return context }
        sws_freeContext(context)
        context = nil
        let made = try makeContext(wanted)
        context = made
        form = wanted
        return made
    }

    private func makeContext(_ form: Form) throws(LibAVError) -> OpaquePointer {
        LibAVLog.silence
        guard let context = sws_alloc_context() else { throw .noMemory("sws_alloc_context") }
        let options: [(String, Int64)] = [
            ("srcw", Int64(form.width)), ("srch", Int64(form.height)), ("src_format", Int64(form.format)),
            ("dstw", Int64(size.width)), ("dsth", Int64(size.height)), ("dst_format", Int64(format.rawValue)),
            ("sws_flags", Int64(flags)), ("src_range", form.isFullRange ? 1 : 0),
            ("dst_range", colors == .jpeg ? 1 : 0),
            // What is transparent is shown on black.
            ("alphablend", 1),
        ]
        do throws(LibAVError) {
            for (name, value) in options {
                try LibAVError.check("sws \(name)", av_opt_set_int(UnsafeMutableRawPointer(context), name, value, 0))
            }
            try LibAVError.check("sws_init_context", sws_init_context(context, nil, nil))
            let source = sws_getCoefficients(form.matrix)
            let target = colors == .jpeg ? sws_getCoefficients(SWS_CS_ITU601) : source
            // Says no where nothing is to be converted, as from RGB to RGB.
            sws_setColorspaceDetails(
                context,
                source,
                form.isFullRange ? 1 : 0,
                target,
                colors == .jpeg ? 1 : 0,
                0,
                1 << 16,
                1 << 16
            )
        } catch {
            sws_freeContext(context)
            throw error
        }
        return context
    }

    /// The matrix as libswscale numbers it; those of libavutil have the same numbers (ISO/IEC 23091-2 §8.3).
    private static func matrix(of frame: AVFrame) -> Int32 {
        switch frame.colorspace {
        case AVCOL_SPC_BT709, AVCOL_SPC_FCC, AVCOL_SPC_BT470BG, AVCOL_SPC_SMPTE170M, AVCOL_SPC_SMPTE240M,
            AVCOL_SPC_BT2020_NCL:
            Int32(frame.colorspace.rawValue)
        // What does not say is high definition, or of the time before it.
        default: frame.height >= 720 || frame.width >= 1280 ? SWS_CS_ITU709 : SWS_CS_ITU601
        }
    }

    /// Whether a format has all 256 values by its name.
    private static func isFullRange(_ format: AVPixelFormat) -> Bool {
        switch format {
        case AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUVJ422P, AV_PIX_FMT_YUVJ444P, AV_PIX_FMT_YUVJ440P, AV_PIX_FMT_YUVJ411P:
            true
        default: false
        }
    }
}
