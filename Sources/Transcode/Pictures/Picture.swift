internal import CLibAV

/// A picture as JPEG stores it, of the size that it is shown in: upright, square pixels, all 256 values.
struct Picture {
    private static let format = AV_PIX_FMT_YUV420P

    /// Its pixels.
    let frame: Frame

    /// Its size.
    var size: PictureSize { PictureSize(width: frame.width, height: frame.height) }

    /// A decoded picture, upright and scaled to fit a box.
    init(_ keyframe: KeyframeDecoder.Keyframe, fitting box: PictureSize) throws(LibAVError) {
        let coded = PictureSize(width: keyframe.frame.width, height: keyframe.frame.height)
        let size = PictureSize.fitting(
            coded,
            pixelAspectRatio: keyframe.pixelAspectRatio,
            in: keyframe.orientation.isSideways ? box.turned : box
        )
        // Every pixel counts for a picture that is made smaller by far.
        let scaler = PictureScaler(to: size, format: Self.format, colors: .jpeg, flags: SWS_AREA | SWS_ACCURATE_RND)
        frame = try keyframe.orientation.apply(to: try scaler.scale(keyframe.frame))
        frame.pointer.pointee.color_range = AVCOL_RANGE_JPEG
        frame.pointer.pointee.sample_aspect_ratio = AVRational(num: 1, den: 1)
    }

    /// A black picture.
    init(blackOf size: PictureSize) throws(LibAVError) {
        frame = try Frame(width: size.width, height: size.height, format: Self.format)
        for plane in 0..<3 {
            for y in 0..<(plane == 0 ? size.height : size.height / 2) {
                frame.row(y, of: plane)?.update(repeating: plane == 0 ? 0 : 128, count: width(of: plane))
            }
        }
    }

    private func width(of plane: Int) -> Int { plane == 0 ? frame.width : frame.width / 2 }

    /// Draws a picture onto this one; where it does not fit it is cut off.
    ///
    /// - Parameters:
    ///   - other: the picture.
    ///   - x: the column of its left edge; even.
    ///   - y: the row of its upper edge; even.
    func draw(_ other: Picture, x: Int, y: Int) {
        for plane in 0..<3 {
            let half = plane == 0 ? 1 : 2
            let width = min(other.width(of: plane), width(of: plane) - x / half)
            let height = min(other.frame.height / half, frame.height / half - y / half)
            guard width > 0, height > 0 else { return }
            for row in 0..<height {
                guard let source = other.frame.row(row, of: plane) else { return }
                frame.row(y / half + row, of: plane)?.advanced(by: x / half).update(from: source, count: width)
            }
        }
    }

    /// How far its brightness is from being the same everywhere: the standard deviation of luma, 0 to 127.5.
    ///
    /// A black picture and one of a single color have none; nearly all others have more than 20.
    var contrast: Double {
        var (sum, sumOfSquares) = (0, 0)
        for y in 0..<frame.height {
            guard let row = frame.row(y, of: 0) else { break }
            for x in 0..<frame.width {
                let value = Int(row[x])
                sum += value
                sumOfSquares += value * value
            }
        }
        let count = Double(frame.width * frame.height)
        let mean = Double(sum) / count
        return max(0, Double(sumOfSquares) / count - mean * mean).squareRoot()
    }
}
