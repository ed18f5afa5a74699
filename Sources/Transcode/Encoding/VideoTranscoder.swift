internal import CLibAV
internal import MediaCore

/// Makes H.264 for streaming of pictures in any codec that libavcodec decodes.
///
/// At most 1920 by 1080 pixels, or as many the other way round, and 60 pictures a second; pixels become square; a keyframe comes
/// every two seconds by the source's own times. Broken packets are left out and counted.
final class VideoTranscoder: TrackTranscoder {
    /// What pictures fit in: 1080p, upright or turned.
    private static let box = PictureSize(width: 1920, height: 1080)
    /// The time from one keyframe to the next.
    private static let keyframeInterval = MediaTime.seconds(2)
    /// Pictures that follow sooner are left out: 60 a second, with room for times in milliseconds.
    private static let leastDistance = MediaTime.milliseconds(15)
    /// From when on a picture that comes too early is taken for the first one of another clock.
    private static let jump = MediaTime.seconds(1)

    /// How many packets or pictures could not be decoded.
    private(set) var failureCount = 0

    private let track: TrackID
    private let labels: TrackLabels
    private let timeBase: AVRational
    private let frameRate: AVRational
    private let pixelAspectRatio: AVRational
    private let threads: Int
    private let decoder: Decoder
    private var output: Output?
    private var announced: Track?
    private var nextKeyframe = MediaTime(nanoseconds: .min)

    /// What is known from the first picture on.
    private struct Output {
        let encoder: VideoEncoder
        let scaler: PictureScaler
        let matrix: AVColorSpace
        var clock: PictureClock
    }

    /// Opens the decoder of a stream.
    ///
    /// - Parameters:
    ///   - stream: the stream.
    ///   - track: what its track is called.
    ///   - threads: how many the decoder, and how many the encoder may use.
    /// - Throws: ``LibAVError`` when libavcodec does not take the stream.
    init(_ stream: SourceStream, as track: TrackID, threads: Int) throws(LibAVError) {
        self.track = track
        labels = stream.labels
        timeBase = stream.timeBase
        frameRate = Self.nominalFrameRate(stream.frameRate)
        pixelAspectRatio = stream.parameters.pointee.sample_aspect_ratio
        self.threads = threads
        decoder = try Decoder(stream.parameters, timeBase: stream.timeBase, threads: threads)
    }

    /// What the encoder is told: what the file claims, within what there is.
    private static func nominalFrameRate(_ claimed: AVRational) -> AVRational {
        guard claimed.num > 0, claimed.den > 0 else { return AVRational(num: 25, den: 1) }
        let rate = av_q2d(claimed)
        if rate > 60.5 { return AVRational(num: 60, den: 1) }
        return rate < 1 ? AVRational(num: 1, den: 1) : claimed
    }

    func receive(_ packet: UnsafePointer<AVPacket>, into sink: any AccessUnitSink) throws(LibAVError) {
        try decode(packet, into: sink)
    }

    func finish(into sink: any AccessUnitSink) throws(LibAVError) {
        try decode(nil, into: sink)
        guard announced != nil else { throw LibAVError(operation: "decode", code: lyceum_av_error_invalid_data) }
        try close(into: sink)
    }

    /// Takes what the encoder still has, and lets go of it.
    private func close(into sink: any AccessUnitSink) throws(LibAVError) {
        guard let output else { return }
        try output.encoder.send(nil)
        try deliver(into: sink)
        self.output = nil
        nextKeyframe = MediaTime(nanoseconds: .min)
    }

    private func decode(_ packet: UnsafePointer<AVPacket>?, into sink: any AccessUnitSink) throws(LibAVError) {
        failureCount += try decoder.decode(packet) { (frame: Frame) throws(LibAVError) in
            try encode(frame, into: sink)
        }
    }

    // MARK: - One picture

    private func encode(_ frame: Frame, into sink: any AccessUnitSink) throws(LibAVError) {
        guard frame.width > 0, frame.height > 0 else { return }
        let time = time(of: frame)
        if let last = output?.clock.last {
            if last - time > Self.jump {
                // The clock was set back: nothing can be put in order with what comes now.
                try close(into: sink)
            } else if time - last < Self.leastDistance {
                return
            }
        }
        let output = try opened(for: frame, into: sink)
        let picture = try prepare(frame, for: output)
        if time >= nextKeyframe {
            picture.pointer.pointee.pict_type = AV_PICTURE_TYPE_I
            nextKeyframe = time + Self.keyframeInterval
        }
        picture.pointer.pointee.pts = Int64(self.output?.clock.append(time) ?? 0)
        try output.encoder.send(picture)
        try deliver(into: sink)
    }

    /// When a picture is shown: what has no time follows the one before it.
    private func time(of frame: Frame) -> MediaTime {
        let ticks = frame.pointer.pointee.best_effort_timestamp
        if ticks != lyceum_av_no_pts, let time = MediaTime(ticks, timeBase) { return time }
        return output?.clock.next ?? .zero
    }

    /// The picture as the encoder takes it.
    private func prepare(_ frame: Frame, for output: Output) throws(LibAVError) -> Frame {
        let picture: Frame
        if isReady(frame, for: output) {
            picture = try frame.reference()
        } else {
            picture = try output.scaler.scale(frame)
            // Captions, for one, travel beside the picture.
            try LibAVError.check("av_frame_copy_props", av_frame_copy_props(picture.pointer, frame.pointer))
        }
        picture.pointer.pointee.pict_type = AV_PICTURE_TYPE_NONE
        picture.pointer.pointee.interlaced_frame = 0
        picture.pointer.pointee.color_range = AVCOL_RANGE_MPEG
        picture.pointer.pointee.colorspace = output.matrix
        picture.pointer.pointee.sample_aspect_ratio = AVRational(num: 1, den: 1)
        return picture
    }

    private func isReady(_ frame: Frame, for output: Output) -> Bool {
        let properties = frame.pointer.pointee
        return frame.pixelFormat == AV_PIX_FMT_YUV420P && properties.color_range != AVCOL_RANGE_JPEG
            && properties.interlaced_frame == 0 && properties.crop_left == 0 && properties.crop_top == 0
            && PictureSize(width: frame.width, height: frame.height) == output.scaler.size
    }

    // MARK: - The encoder

    private func opened(for frame: Frame, into sink: any AccessUnitSink) throws(LibAVError) -> Output {
        if let output { return output }
        let size = shownSize(of: frame)
        let properties = frame.pointer.pointee
        var format = VideoEncoder.Format(size: size, frameRate: frameRate)
        format.primaries = properties.color_primaries
        format.transfer = properties.color_trc
        // RGB has no matrix of its own: it gets the one that pictures of this size have.
        let isRGB = av_pix_fmt_desc_get(frame.pixelFormat).map { $0.pointee.flags & UInt64(AV_PIX_FMT_FLAG_RGB) != 0 }
        format.matrix =
            isRGB == true
            ? (frame.height >= 720 || frame.width >= 1280 ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M)
            : properties.colorspace
        let encoder = try VideoEncoder(format, threads: threads)
        let configuration: AVCDecoderConfigurationRecord
        do throws(CodecConfigurationError) {
            configuration = try EncodedAVC(encoder.parameterSets).decoderConfiguration()
        } catch {
            throw LibAVError(operation: "h.264 encoder: \(error)", code: lyceum_av_error_invalid_data)
        }
        let track = Track(id: track, configuration: .avc(configuration), labels: labels)
        if track != announced { sink.configure(track) }
        announced = track
        let nominal = MediaTime(nanoseconds: 1_000_000_000 * Int64(frameRate.den) / Int64(frameRate.num))
        let opened = Output(
            encoder: encoder,
            scaler: PictureScaler(
                to: size,
                format: AV_PIX_FMT_YUV420P,
                colors: .video,
                flags: SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT
            ),
            matrix: format.matrix,
            clock: PictureClock(nominalDuration: nominal)
        )
        output = opened
        return opened
    }

    private func shownSize(of frame: Frame) -> PictureSize {
        let coded = PictureSize(width: frame.width, height: frame.height)
        let stated = frame.pointer.pointee.sample_aspect_ratio
        // The container knows better than the bitstream, as everywhere in FFmpeg.
        let ratio = pixelAspectRatio.num > 0 && pixelAspectRatio.den > 0 ? pixelAspectRatio : stated
        let isUpright = frame.height > frame.width
        return PictureSize.fitting(
            coded,
            pixelAspectRatio: ratio.num > 0 && ratio.den > 0 ? av_q2d(ratio) : 1,
            in: isUpright ? Self.box.turned : Self.box
        )
    }

    /// Hands on what the encoder has ready.
    private func deliver(into sink: any AccessUnitSink) throws(LibAVError) {
        while let packet = try output?.encoder.receive() {
            let (shown, decoded) = (Int(packet.pointer.pointee.pts), Int(packet.pointer.pointee.dts))
            guard let times = output?.clock.times(shown: shown, decoded: decoded) else { continue }
            sink.receive(
                AccessUnit(
                    trackID: track,
                    decodeTime: times.decode,
                    compositionOffset: times.presentation - times.decode,
                    isSync: packet.pointer.pointee.flags & AV_PKT_FLAG_KEY != 0,
                    payload: EncodedAVC(packet.bytes).sample()
                )
            )
        }
    }
}

extension MediaTime {
    /// A time that libavformat tells; `nil` where it is out of all bounds.
    init?(_ ticks: Int64, _ timeBase: AVRational) {
        guard timeBase.num > 0, timeBase.den > 0 else { return nil }
        let nanoseconds = av_rescale_q(ticks, timeBase, AVRational(num: 1, den: 1_000_000_000))
        guard nanoseconds.magnitude <= UInt64(MediaTime.limit.nanoseconds) else { return nil }
        self.init(nanoseconds: nanoseconds)
    }
}
