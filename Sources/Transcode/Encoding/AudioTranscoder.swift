internal import CLibAV
internal import MediaCore
internal import NIOCore

/// Makes AAC of sound in any codec that libavcodec decodes.
///
/// In mono or stereo, of 48 kHz, or of 44.1 kHz where the source's rate is of that family. An encoder holds sound back for a frame and
/// says so in its times: its first access unit is what comes before the first sample. That one is left out, and every
/// other begins where its sound is heard. Broken packets are left out and counted; silence stands for them.
final class AudioTranscoder: TrackTranscoder {
    /// How many packets could not be decoded.
    private(set) var failureCount = 0

    private let track: TrackID
    private let labels: TrackLabels
    private let timeBase: AVRational
    private let decoder: Decoder
    private var output: Output?
    private var announced: Track?

    /// What is known from the first frame on.
    private struct Output {
        let resampler: SoundResampler
        let encoder: AudioEncoder
        /// Where the first sample is.
        var start: Int64?
    }

    /// Opens the decoder of a stream.
    ///
    /// - Parameters:
    ///   - stream: the stream.
    ///   - track: what its track is called.
    /// - Throws: ``LibAVError`` when libavcodec does not take the stream.
    init(_ stream: SourceStream, as track: TrackID) throws(LibAVError) {
        self.track = track
        labels = stream.labels
        timeBase = stream.timeBase
        decoder = try Decoder(stream.parameters, timeBase: stream.timeBase, threads: 1)
    }

    func receive(_ packet: UnsafePointer<AVPacket>, into sink: any AccessUnitSink) throws(LibAVError) {
        try decode(packet, into: sink)
    }

    func finish(into sink: any AccessUnitSink) throws(LibAVError) {
        try decode(nil, into: sink)
        guard announced != nil else { throw LibAVError(operation: "decode", code: lyceum_av_error_invalid_data) }
        try close(into: sink)
    }

    private func decode(_ packet: UnsafePointer<AVPacket>?, into sink: any AccessUnitSink) throws(LibAVError) {
        failureCount += try decoder.decode(packet) { (frame: Frame) throws(LibAVError) in
            try encode(frame, into: sink)
        }
    }

    private func encode(_ frame: Frame, into sink: any AccessUnitSink) throws(LibAVError) {
        let properties = frame.pointer.pointee
        guard properties.nb_samples > 0, properties.sample_rate > 0, properties.ch_layout.nb_channels > 0 else {
            return
        }
        var output = try opened(for: frame, into: sink)
        let position = position(of: frame, rate: output.resampler.rate)
        if let position, let distance = output.resampler.distance(of: position),
            distance.magnitude > UInt64(SoundResampler.jump * Double(output.resampler.rate))
        {
            // Another part of the recording, or a long silence: nothing is made up for that.
            try close(into: sink)
            output = try opened(for: frame, into: sink)
        }
        try output.resampler.add(frame, at: position)
        if output.start == nil { self.output?.start = output.resampler.start }
        try encode(into: sink, toTheEnd: false)
    }

    /// Where a frame's first sample is to be; `nil` where the source does not say.
    private func position(of frame: Frame, rate: Int) -> Int64? {
        let ticks = frame.pointer.pointee.best_effort_timestamp
        guard ticks != lyceum_av_no_pts, MediaTime(ticks, timeBase) != nil else { return nil }
        return av_rescale_q(ticks, timeBase, AVRational(num: 1, den: Int32(rate)))
    }

    private func encode(into sink: any AccessUnitSink, toTheEnd: Bool) throws(LibAVError) {
        guard let output else { return }
        let size = output.encoder.frameSize
        while output.resampler.count >= (toTheEnd ? 1 : size), let sound = try output.resampler.take(size) {
            try output.encoder.send(sound)
            try deliver(output, into: sink)
        }
    }

    /// Encodes what is left, and lets go of the encoder.
    private func close(into sink: any AccessUnitSink) throws(LibAVError) {
        guard let output else { return }
        try output.resampler.drain()
        try encode(into: sink, toTheEnd: true)
        try output.encoder.send(nil)
        try deliver(output, into: sink)
        self.output = nil
    }

    private func opened(for frame: Frame, into sink: any AccessUnitSink) throws(LibAVError) -> Output {
        if let output { return output }
        let source = frame.pointer.pointee
        let rate = source.sample_rate % 11_025 == 0 ? 44_100 : 48_000
        let channels = source.ch_layout.nb_channels == 1 ? 1 : 2
        let encoder = try AudioEncoder(rate: rate, channels: channels)
        let configuration: AudioSpecificConfig
        do throws(CodecConfigurationError) {
            configuration = try AudioSpecificConfig(encoder.configuration)
        } catch {
            throw LibAVError(operation: "aac encoder: \(error)", code: lyceum_av_error_invalid_data)
        }
        let track = Track(id: track, configuration: .aac(configuration), labels: labels)
        if track != announced { sink.configure(track) }
        announced = track
        let opened = Output(resampler: try SoundResampler(rate: rate, channels: channels), encoder: encoder)
        output = opened
        return opened
    }

    /// Hands on what the encoder has ready.
    private func deliver(_ output: Output, into sink: any AccessUnitSink) throws(LibAVError) {
        while let packet = try output.encoder.receive() {
            let position = packet.pointer.pointee.pts
            guard position >= output.start ?? .min, let time = MediaTime(position, rate: output.resampler.rate) else {
                continue
            }
            sink.receive(
                AccessUnit(
                    trackID: track,
                    decodeTime: time,
                    isSync: true,
                    payload: ByteBuffer(bytes: packet.bytes)
                )
            )
        }
    }
}

extension MediaTime {
    /// The time of a sample; `nil` where it is out of all bounds.
    fileprivate init?(_ position: Int64, rate: Int) {
        self.init(position, AVRational(num: 1, den: Int32(rate)))
    }
}
