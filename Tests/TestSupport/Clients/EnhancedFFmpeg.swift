internal import Foundation

/// The ffmpeg that scripts/fetch-ffmpeg puts in its place: it publishes several tracks over Enhanced RTMP, which that of
/// the system may be too old for.
public enum EnhancedFFmpeg {
    /// Its path.
    public static var path: String {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../..")
        return package.standardized.appendingPathComponent(".vendor/ffmpeg/ffmpeg").path
    }
}
