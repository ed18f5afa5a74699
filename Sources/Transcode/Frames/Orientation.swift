internal import CLibAV
internal import Glibc

/// How a decoded picture is turned before it is shown: the matrix of `tkhd` (ISO/IEC 14496-12 §8.3.2.3), by quarters.
struct Orientation: Hashable, Sendable {
    /// Quarter turns, clockwise.
    var quarterTurns = 0
    /// Whether left and right change places, after turning.
    var isMirrored = false

    /// As it was coded.
    static let upright = Orientation()

    /// Whether width and height change places.
    var isSideways: Bool { quarterTurns % 2 == 1 }

    /// The orientation that a matrix of nine numbers gives; to the nearest quarter where it turns by less.
    ///
    /// - Parameter matrix: `a b u c d v x y w` in 16.16 and 2.30.
    init(matrix: [Int32]) {
        guard matrix.count == 9 else { return }
        let (a, b, c, d) = (Double(matrix[0]), Double(matrix[1]), Double(matrix[3]), Double(matrix[4]))
        isMirrored = a * d - b * c < 0
        quarterTurns = (Int((atan2(b, isMirrored ? -a : a) / (.pi / 2)).rounded()) + 4) % 4
    }

    /// An orientation.
    init(quarterTurns: Int = 0, isMirrored: Bool = false) {
        self.quarterTurns = quarterTurns
        self.isMirrored = isMirrored
    }

    /// The picture as it is to be shown.
    ///
    /// - Parameter picture: planar, 8 bit, of even size, with one sample of color for two by two pixels.
    /// - Returns: another picture, or the same if it is upright.
    /// - Throws: ``LibAVError`` when there is no memory.
    func apply(to picture: Frame) throws(LibAVError) -> Frame {
        guard self != .upright else { return picture }
        let size = PictureSize(width: picture.width, height: picture.height)
        let shown = isSideways ? size.turned : size
        let turned = try Frame(width: shown.width, height: shown.height, format: picture.pixelFormat)
        for plane in 0..<3 {
            let half = plane == 0 ? 1 : 2
            turn(picture, turned, plane, PictureSize(width: shown.width / half, height: shown.height / half))
        }
        try LibAVError.check("av_frame_copy_props", av_frame_copy_props(turned.pointer, picture.pointer))
        return turned
    }

    private func turn(_ source: Frame, _ target: Frame, _ plane: Int, _ size: PictureSize) {
        let stride = Int(lyceum_av_line_size(source.pointer, Int32(plane)))
        guard let origin = source.row(0, of: plane) else { return }
        let (lastX, lastY) = (size.width - 1, size.height - 1)
        for y in 0..<size.height {
            guard let row = target.row(y, of: plane) else { return }
            // Where the row begins in the source, and how far its next pixel is.
            var (start, step) =
                switch quarterTurns {
                case 1: (lastX * stride + y, -stride)
                case 2: ((lastY - y) * stride + lastX, -1)
                case 3: (lastY - y, stride)
                default: (y * stride, 1)
                }
            if isMirrored { (start, step) = (start + lastX * step, -step) }
            for x in 0...lastX { row[x] = origin[start + x * step] }
        }
    }
}
