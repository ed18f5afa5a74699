internal import CLibAV
internal import MediaCore

/// A file opened with libavformat: its streams and, one after the other, their packets.
///
/// Only containers that hold their media themselves are read, and nothing else is ever opened: no protocol is allowed, and
/// a container that asks for another file (an external data reference, a playlist) is refused that.
final class Demuxer {
    /// What libavformat calls the containers that are read.
    private static let containers =
        "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,flv,mpegts,mpeg,mp3,aac,flac,ogg,wav,aiff,avi,asf,mxf,ac3,eac3,caf,ivf"
    /// More streams than any container of ours has; each costs memory from the moment it is named.
    private static let maximumStreams = 64
    /// How much of a file is read to learn what its streams are, when they begin late.
    private static let probeBytes = 32 << 20
    private static let probeMicroseconds = 20_000_000
    /// The most that libavformat may allocate at once: the index of a day of media has a third of that.
    private static let largestAllocation = 512 << 20

    /// The streams, without those that were found after the beginning.
    private(set) var streams: [SourceStream] = []
    /// How long the file says it is; `nil` where it does not.
    let duration: MediaTime?
    /// Where the first of its streams begins; `nil` where it does not say.
    let start: MediaTime?
    /// When it was made, in milliseconds since 1970.
    let creationTime: WallClockTime?
    /// Whether its clock may jump, as those of broadcasts do.
    let mayJump: Bool
    /// The name of the container.
    let container: String

    private let input: FileInput
    private var context: UnsafeMutablePointer<AVFormatContext>?
    private var packet: UnsafeMutablePointer<AVPacket>?

    /// Opens a file and learns what is in it.
    ///
    /// - Throws: ``ImportError``.
    init(_ input: FileInput) throws(ImportError) {
        self.input = input
        av_max_alloc(Self.largestAllocation)
        _ = LibAVLog.silence
        context = avformat_alloc_context()
        packet = av_packet_alloc()
        (duration, start, creationTime, mayJump, container) = try Self.open(&context, input)
        guard let context else { throw .unknownContainer(reason: "out of memory") }
        // AVI has decode times alone. Where pictures are reordered, libavformat guesses when they are shown.
        let isReordered = (0..<Int(context.pointee.nb_streams)).contains { index in
            context.pointee.streams[index]?.pointee.codecpar.pointee.video_delay ?? 0 > 0
        }
        if container == "avi", isReordered { context.pointee.flags |= AVFMT_FLAG_GENPTS }
        for index in 0..<Int(context.pointee.nb_streams) {
            guard let stream = context.pointee.streams[index] else { continue }
            streams.append(SourceStream(stream, index: index))
        }
    }

    deinit {
        av_packet_free(&packet)
        avformat_close_input(&context)
    }

    /// The names that FFmpeg has for what is in the file: `video: mpeg2video 720x576, audio: pcm_s16le`.
    var contents: String { streams.map(\.summary).joined(separator: ", ") }

    /// Whether the file has been read to its last byte.
    var isAtEnd: Bool { avio_feof(context?.pointee.pb) != 0 }

    /// Stops reading what a stream has.
    func ignore(_ stream: SourceStream) {
        context?.pointee.streams[stream.index]?.pointee.discard = AVDISCARD_ALL
    }

    /// What ends the packets of a file.
    enum Next {
        case packet(UnsafeMutablePointer<AVPacket>)
        /// The end of the file.
        case end
        /// The rest cannot be read, for this reason.
        case broken(String)
    }

    /// The next packet, valid until this is called again.
    ///
    /// - Throws: ``ImportError/cancelled`` and ``ImportError/timedOut``.
    func next() throws(ImportError) -> Next {
        guard let packet else { return .broken("out of memory") }
        input.beginStep()
        av_packet_unref(packet)
        let code = av_read_frame(context, packet)
        if code >= 0 { return .packet(packet) }
        if input.isInterrupted { throw input.hasTimedOut ? .timedOut : .cancelled }
        // A file that ends in the middle of something ends in an error of the reader or in plain silence.
        if code == lyceum_av_error_eof, input.readError == 0 { return .end }
        let reason =
            input.readError != 0 ? FileInput.words(input.readError) : "\(LibAVError(operation: "read", code: code))"
        return .broken(reason)
    }

    // MARK: - Opening

    private static func open(
        _ context: inout UnsafeMutablePointer<AVFormatContext>?,
        _ input: FileInput
    ) throws(ImportError) -> (MediaTime?, MediaTime?, WallClockTime?, Bool, String) {
        guard let opened = context else { throw .unknownContainer(reason: "out of memory") }
        opened.pointee.pb = input.context
        opened.pointee.flags |= AVFMT_FLAG_CUSTOM_IO
        opened.pointee.io_open = { _, _, _, _, _ in -EPERM }
        opened.pointee.interrupt_callback = AVIOInterruptCB(
            callback: { opaque in
                opaque.map { Unmanaged<FileInput>.fromOpaque($0).takeUnretainedValue().isInterrupted } == true ? 1 : 0
            },
            opaque: Unmanaged.passUnretained(input).toOpaque()
        )
        var options: OpaquePointer?
        defer { av_dict_free(&options) }
        for (key, value) in [
            ("format_whitelist", containers), ("protocol_whitelist", "file"), ("max_streams", "\(maximumStreams)"),
            ("probesize", "\(probeBytes)"), ("analyzeduration", "\(probeMicroseconds)"), ("enable_drefs", "0"),
            ("use_absolute_path", "0"),
        ] { av_dict_set(&options, key, value, 0) }
        // It frees the context when it does not work.
        let code = avformat_open_input(&context, nil, nil, &options)
        guard code >= 0, let context else { throw refusal("open", code, input) }
        let found = avformat_find_stream_info(context, nil)
        guard found >= 0 else { throw refusal("read", found, input) }
        return (
            time(context.pointee.duration), time(context.pointee.start_time), creationTime(context),
            context.pointee.iformat.pointee.flags & AVFMT_TS_DISCONT != 0,
            String(cString: context.pointee.iformat.pointee.name)
        )
    }

    private static func refusal(_ operation: String, _ code: Int32, _ input: FileInput) -> ImportError {
        if input.isInterrupted { return input.hasTimedOut ? .timedOut : .cancelled }
        let reason = input.byteCount == 0 ? "it is empty" : "\(LibAVError(operation: operation, code: code))"
        return .unknownContainer(reason: reason)
    }

    /// A time of libavformat's own, in microseconds.
    private static func time(_ value: Int64) -> MediaTime? {
        guard value != lyceum_av_no_pts, abs(value) <= MediaTime.limit.nanoseconds / 1000 else { return nil }
        return MediaTime(nanoseconds: value * 1000)
    }

    private static func creationTime(_ context: UnsafeMutablePointer<AVFormatContext>) -> WallClockTime? {
        guard let entry = av_dict_get(context.pointee.metadata, "creation_time", nil, 0) else { return nil }
        var microseconds: Int64 = 0
        guard av_parse_time(&microseconds, entry.pointee.value, 0) >= 0, microseconds > 0 else { return nil }
        return WallClockTime(milliseconds: microseconds / 1000)
    }
}

extension SourceStream {
    init(_ stream: UnsafeMutablePointer<AVStream>, index: Int) {
        func text(_ key: String) -> String? {
            av_dict_get(stream.pointee.metadata, key, nil, 0).map { String(cString: $0.pointee.value) }
        }
        self.init(
            index: index,
            parameters: UnsafePointer(stream.pointee.codecpar),
            timeBase: stream.pointee.time_base,
            frameRate: stream.pointee.avg_frame_rate,
            labels: TrackLabels(
                language: text("language"),
                name: text("title") ?? text("handler_name").flatMap(Self.name(fromHandler:)),
                rotation: Self.rotation(of: stream)
            ),
            disposition: stream.pointee.disposition
        )
    }

    /// MP4 has no other place for a name than its handler's, where most writers put their own.
    private static func name(fromHandler handler: String) -> String? {
        let isWriters = ["handler", "gpac", "core media", "mainconcept", "bento4"].contains {
            handler.lowercased().contains($0)
        }
        return isWriters ? nil : handler
    }

    /// The quarter turns of the display matrix; angles in between, which no camera writes, are rounded.
    private static func rotation(of stream: UnsafeMutablePointer<AVStream>) -> TrackLabels.Rotation {
        var size = 0
        guard let data = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size), size >= 36 else {
            return .none
        }
        let counterclockwise = data.withMemoryRebound(to: Int32.self, capacity: 9) { av_display_rotation_get($0) }
        guard counterclockwise.isFinite else { return .none }
        let quarters = Int((-counterclockwise / 90).rounded())
        return TrackLabels.Rotation(rawValue: ((quarters % 4) + 4) % 4 * 90) ?? .none
    }

    /// What it is in a few words.
    var summary: String {
        let kind = av_get_media_type_string(mediaType).map { String(cString: $0) } ?? "data"
        let name = String(cString: avcodec_get_name(codec))
        let size = mediaType == AVMEDIA_TYPE_VIDEO ? " \(parameters.pointee.width)x\(parameters.pointee.height)" : ""
        return "\(kind): \(name)\(size)"
    }
}
