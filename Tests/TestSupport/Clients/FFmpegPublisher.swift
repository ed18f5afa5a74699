internal import Foundation

/// An ffmpeg that publishes over RTMP in real time.
public final class FFmpegPublisher: Sendable {
    /// The inputs and codecs of a test stream.
    public struct Media: Sendable {
        /// Arguments from the inputs to the codecs.
        public let arguments: [String]

        /// Any arguments of ffmpeg.
        public init(_ arguments: [String]) { self.arguments = arguments }

        /// A small moving picture and a tone.
        ///
        /// - Parameters:
        ///   - seconds: how long it lasts; `nil` for without end.
        ///   - video: whether there is a picture, H.264 of 320x180 with B-frames.
        ///   - audio: whether there is a tone, AAC of 48 kHz in stereo.
        ///   - frameRate: pictures a second.
        ///   - keyframeInterval: pictures from one IDR picture to the next.
        /// - Returns: the arguments.
        public static func test(
            seconds: Int? = nil,
            video: Bool = true,
            audio: Bool = true,
            frameRate: Int = 25,
            keyframeInterval: Int = 50
        ) -> Media {
            let end = seconds.map { ":duration=\($0)" } ?? ""
            var inputs: [String] = []
            var codecs: [String] = []
            if video {
                inputs += ["-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=\(frameRate)\(end)"]
                codecs += [
                    "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-bf", "2",
                    "-g", "\(keyframeInterval)", "-keyint_min", "\(keyframeInterval)", "-sc_threshold", "0",
                ]
            }
            if audio {
                inputs += ["-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000\(end)"]
                codecs += ["-c:a", "aac", "-b:a", "96k", "-ac", "2", "-ar", "48000"]
            }
            return Media(inputs + codecs)
        }

        /// A ladder: 320x180 with two B-pictures and 160x90 without any, and as many tones.
        ///
        /// Only an ``Tool/newerFFmpeg`` can publish it.
        ///
        /// - Parameters:
        ///   - seconds: how long it lasts; `nil` for without end.
        ///   - sounds: how many audio tracks there are.
        /// - Returns: the arguments.
        public static func ladder(seconds: Int? = nil, sounds: Int) -> Media {
            let end = seconds.map { ":duration=\($0)" } ?? ""
            var inputs = ["-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25\(end)"]
            var maps = ["-map", "0:v", "-map", "0:v"]
            for index in 0..<sounds {
                inputs += ["-re", "-f", "lavfi", "-i", "sine=frequency=\(440 * (index + 1)):sample_rate=48000\(end)"]
                maps += ["-map", "\(index + 1):a"]
            }
            return Media(
                inputs + maps + [
                    "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "50", "-keyint_min", "50",
                    "-sc_threshold", "0", "-bf:v:0", "2", "-bf:v:1", "0", "-s:v:1", "160x90",
                    "-c:a", "aac", "-b:a", "96k", "-ac", "2", "-ar", "48000",
                ]
            )
        }
    }

    private let process: ChildProcess

    /// Starts to publish.
    ///
    /// - Parameters:
    ///   - media: what to publish.
    ///   - url: where to.
    ///   - program: which ffmpeg; ``Tool/newerFFmpeg`` for Enhanced RTMP.
    /// - Throws: ``ToolMissing`` when there is no ffmpeg.
    public init(_ media: Media, to url: String, with program: String = "ffmpeg") throws {
        let frame = ["-hide_banner", "-nostdin", "-loglevel", "info", "-stats_period", "1"]
        process = try ChildProcess(
            program,
            frame + media.arguments + ["-f", "flv", "-flvflags", "no_duration_filesize", url]
        )
    }

    /// What it writes.
    public var log: OutputLog { process.standardError }

    /// Asks it to end the stream properly, as Ctrl-C does.
    public func interrupt() { process.send(SIGINT) }

    /// Kills it in the middle of whatever it does.
    public func kill() { process.send(SIGKILL) }

    /// Waits for its end.
    @discardableResult
    public func waitForExit(within limit: Duration = .seconds(30)) async throws -> ChildProcess.Exit {
        try await process.waitForExit(within: limit)
    }
}
