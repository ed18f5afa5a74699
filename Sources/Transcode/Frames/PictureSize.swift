/// How many pixels a picture has each way.
struct PictureSize: Hashable, Sendable {
    /// Pixels a row.
    var width: Int
    /// Rows.
    var height: Int

    /// The same, turned by a quarter.
    var turned: PictureSize { PictureSize(width: height, height: width) }

    /// The largest size with the aspect ratio of a picture that a box holds: even, and no larger than the picture, or than
    /// the even number above.
    ///
    /// Both numbers are even since one sample of color stands for two by two pixels.
    ///
    /// - Parameters:
    ///   - picture: the picture's size as it is coded.
    ///   - pixelAspectRatio: how wide a coded pixel is shown, its height being 1.
    ///   - box: what holds it.
    /// - Returns: the size.
    static func fitting(_ picture: PictureSize, pixelAspectRatio: Double, in box: PictureSize) -> PictureSize {
        let ratio = (0.05...20).contains(pixelAspectRatio) ? pixelAspectRatio : 1
        // The longer way is the coded one: nothing is thrown away to make pixels square.
        let shownWidth = Double(picture.width) * max(1, ratio)
        let shownHeight = Double(picture.height) * max(1, 1 / ratio)
        let scale = min(1, Double(box.width) / shownWidth, Double(box.height) / shownHeight)
        return PictureSize(width: even(shownWidth * scale, box.width), height: even(shownHeight * scale, box.height))
    }

    private static func even(_ length: Double, _ limit: Int) -> Int {
        let rounded = Int((length / 2).rounded()) * 2
        return max(2, min(rounded, limit / 2 * 2))
    }
}
