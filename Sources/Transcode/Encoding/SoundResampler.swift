internal import CLibAV

/// Brings sound to one rate and one or two channels, through libswresample, on the timeline of its source.
///
/// The source's times are kept: where they run away from its samples by little, sound is made a hair longer or shorter; where
/// there is a hole, silence stands; what comes twice is left out.
final class SoundResampler {
    /// What the samples are.
    private struct Form: Equatable {
        var rate: Int32
        var format: Int32
        var channels: Int32
        var layout: UInt64
    }

    /// From when on the distance between what is due and what is there is heard as out of step, in seconds.
    private static let tolerance = 0.004
    /// From when on it is a hole or a repetition instead of a clock that is a little off.
    private static let hole = 0.04
    /// From when on it is another part of the recording.
    static let jump = 1.0

    /// Samples a second of what comes out.
    let rate: Int
    /// Channels of what comes out.
    let channels: Int
    /// The position of the first sample that is not out yet, counted in samples of what comes out; `nil` before the first.
    private(set) var start: Int64?

    private let queue: OpaquePointer
    private var context: OpaquePointer?
    private var form: Form?
    /// Samples that have come out of the context since ``anchor``.
    private var written: Int64 = 0
    private var anchor: Int64 = 0
    private var compensatedUntil: Int64 = .min
    /// Samples that are to be left out, of those that come out next.
    private var surplus: Int64 = 0

    /// A resampler.
    init(rate: Int, channels: Int) throws(LibAVError) {
        LibAVLog.silence
        guard let queue = av_audio_fifo_alloc(AV_SAMPLE_FMT_FLTP, Int32(channels), 8192) else {
            throw .noMemory("av_audio_fifo_alloc")
        }
        self.rate = rate
        self.channels = channels
        self.queue = queue
    }

    deinit {
        swr_free(&context)
        av_audio_fifo_free(queue)
    }

    /// How many samples can be taken.
    var count: Int { Int(av_audio_fifo_size(queue)) }

    /// How far a frame is from where it should be to follow what is there, in samples; `nil` when all can begin with it.
    func distance(of position: Int64) -> Int64? { start == nil ? nil : position - end }

    /// The position behind the last sample that is known.
    private var end: Int64 { anchor + written - surplus + (context.map { swr_get_delay($0, Int64(rate)) } ?? 0) }

    /// Takes sound.
    ///
    /// - Parameters:
    ///   - frame: the sound.
    ///   - position: where its first sample is to be, in samples of what comes out; `nil` for behind the last one.
    /// - Throws: ``LibAVError`` when libswresample does not take it.
    func add(_ frame: Frame, at position: Int64?) throws(LibAVError) {
        try prepare(for: frame)
        if start == nil {
            start = position ?? 0
            anchor = position ?? 0
            written = 0
        } else if let position {
            try correct(by: position - end)
        }
        try convert(frame)
    }

    /// Makes up for a distance between where sound should be and where it would be.
    private func correct(by distance: Int64) throws(LibAVError) {
        let seconds = Double(distance) / Double(rate)
        if seconds > Self.hole {
            try fill(Int(distance))
        } else if seconds < -Self.hole {
            // What is in the context comes before this, and stays.
            try drain()
            surplus -= distance
        } else if abs(seconds) > Self.tolerance, end >= compensatedUntil {
            try LibAVError.check("swr_set_compensation", swr_set_compensation(context, Int32(distance), Int32(rate)))
            compensatedUntil = end + Int64(rate)
        }
    }

    /// Silence, behind all that is in the context.
    private func fill(_ count: Int) throws(LibAVError) {
        try drain()
        let silence = try Frame(samples: count, channels: channels, rate: rate)
        for channel in 0..<channels { silence.samples(of: channel)?.update(repeating: 0, count: count) }
        try enqueue(silence, count)
    }

    /// Takes out what the context holds back, as at the end.
    func drain() throws(LibAVError) {
        guard context != nil else { return }
        try convert(nil)
        swr_free(&context)
        context = nil
        compensatedUntil = .min
        if let form { context = try makeContext(form) }
    }

    // MARK: - Conversion

    private func prepare(for frame: Frame) throws(LibAVError) {
        let properties = frame.pointer.pointee
        let wanted = Form(
            rate: properties.sample_rate,
            format: properties.format,
            channels: properties.ch_layout.nb_channels,
            layout: properties.ch_layout.order == AV_CHANNEL_ORDER_NATIVE ? properties.ch_layout.u.mask : 0
        )
        guard wanted.rate > 0, wanted.channels > 0, wanted.channels <= 64 else {
            throw LibAVError(operation: "decode", code: lyceum_av_error_invalid_data)
        }
        if context != nil, wanted == form { return }
        try drain()
        swr_free(&context)
        context = try makeContext(wanted)
        form = wanted
    }

    private func makeContext(_ form: Form) throws(LibAVError) -> OpaquePointer {
        var (input, output) = (AVChannelLayout(), AVChannelLayout())
        defer {
            av_channel_layout_uninit(&input)
            av_channel_layout_uninit(&output)
        }
        if form.layout == 0 || av_channel_layout_from_mask(&input, form.layout) < 0 {
            av_channel_layout_default(&input, form.channels)
        }
        av_channel_layout_default(&output, Int32(channels))
        var made: OpaquePointer?
        try LibAVError.check(
            "swr_alloc_set_opts2",
            swr_alloc_set_opts2(
                &made,
                &output,
                AV_SAMPLE_FMT_FLTP,
                Int32(rate),
                &input,
                AVSampleFormat(rawValue: form.format),
                form.rate,
                0,
                nil
            )
        )
        guard let made else { throw .noMemory("swr_alloc_set_opts2") }
        // Also where the rate stays: lengths are corrected by it.
        av_opt_set_int(UnsafeMutableRawPointer(made), "flags", Int64(SWR_FLAG_RESAMPLE), 0)
        let code = swr_init(made)
        guard code >= 0 else {
            var failed: OpaquePointer? = made
            swr_free(&failed)
            throw LibAVError(operation: "swr_init", code: code)
        }
        return made
    }

    /// Puts a frame, or what is left, through the context into the queue.
    private func convert(_ frame: Frame?) throws(LibAVError) {
        let count = frame?.pointer.pointee.nb_samples ?? 0
        let space = swr_get_out_samples(context, count) + 64
        let target = try Frame(samples: Int(space), channels: channels, rate: rate)
        let planes = frame.flatMap { UnsafeMutableRawPointer($0.pointer.pointee.extended_data) }
        let converted = swr_convert(
            context,
            target.pointer.pointee.extended_data,
            space,
            planes?.assumingMemoryBound(to: UnsafePointer<UInt8>?.self),
            count
        )
        try enqueue(target, Int(try LibAVError.check("swr_convert", converted)))
    }

    private func enqueue(_ sound: Frame, _ count: Int) throws(LibAVError) {
        let left = min(surplus, Int64(count))
        surplus -= left
        let kept = Int64(count) - left
        guard kept > 0 else { return }
        var planes = (0..<channels).map { UnsafeMutableRawPointer(sound.samples(of: $0)?.advanced(by: Int(left))) }
        try LibAVError.check("av_audio_fifo_write", av_audio_fifo_write(queue, &planes, Int32(kept)))
        written += kept
    }

    /// Takes so many samples out, or what there is.
    ///
    /// - Parameter count: how many at most.
    /// - Returns: the sound, with the position of its first sample; `nil` when there is none.
    /// - Throws: ``LibAVError`` when there is no memory.
    func take(_ count: Int) throws(LibAVError) -> Frame? {
        let count = min(count, self.count)
        guard count > 0, let position = start else { return nil }
        let sound = try Frame(samples: count, channels: channels, rate: rate)
        var planes = (0..<channels).map { UnsafeMutableRawPointer(sound.samples(of: $0)) }
        try LibAVError.check("av_audio_fifo_read", av_audio_fifo_read(queue, &planes, Int32(count)))
        sound.pointer.pointee.pts = position
        start = position + Int64(count)
        return sound
    }
}
