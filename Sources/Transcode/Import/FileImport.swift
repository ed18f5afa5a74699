internal import CLibAV
public import MediaCore

/// Turns a file into the access units of a publish, without transcoding where its codecs are streamable.
///
/// Everything runs on the caller's thread, which must not be an event loop's.
public final class FileImport {
    /// What has become of a file.
    public struct Report: Sendable {
        /// The tracks that it gave.
        public internal(set) var tracks: [Track] = []
        /// Its text subtitles.
        public internal(set) var subtitles: [SubtitleTrack] = []
        /// What people should know: what was left out, and where the file breaks off.
        public internal(set) var remarks: [String] = []
    }

    /// How much is read at most until all streams have told how they are coded.
    private static let longestPreparation = 32 << 20
    private static let preparationPackets = 4000
    /// The most tracks taken; further ones are left out.
    private static let maximumTracks = 16
    /// How often reading goes on behind a place that cannot be read.
    private static let maximumReadErrors = 32

    private let input: FileInput
    private let demuxer: Demuxer
    private var streams: [Int: StreamImport] = [:]
    private var order: [TrackID] = []
    private var subtitles: [Int: SubtitleReader] = [:]
    private var report = Report()
    private var lastProgress = 0.0

    /// Opens a file and decides what is made of its streams.
    ///
    /// Blocks. Nothing but this file is opened, whatever it says.
    ///
    /// - Parameters:
    ///   - path: the absolute path of a regular file.
    ///   - transcodes: whether streams of other codecs are transcoded.
    ///   - isCancelled: asked now and then, on the caller's thread.
    /// - Throws: ``ImportError``, with what was found and what is accepted.
    public convenience init(
        path: String,
        transcodes: Bool = false,
        isCancelled: @escaping () -> Bool = { false }
    ) throws(ImportError) {
        try self.init(path: path, transcoding: transcodes ? Self.transcoding : nil, isCancelled: isCancelled)
    }

    init(
        path: String,
        transcoding: (any TrackTranscoding)?,
        isCancelled: @escaping () -> Bool = { false }
    ) throws(ImportError) {
        input = try FileInput(path, isCancelled: isCancelled)
        demuxer = try Demuxer(input)
        try plan(transcoding)
    }

    /// What streams of other codecs are transcoded with; `nil` where nothing can be.
    private static let transcoding: (any TrackTranscoding)? = nil

    /// When the file says that it was recorded.
    public var creationTime: WallClockTime? { demuxer.creationTime }

    /// How long the file says it is.
    public var duration: MediaTime? { demuxer.duration }

    /// What is in it, in FFmpeg's words.
    public var contents: String { demuxer.contents }

    // MARK: - What becomes of the streams

    private func plan(_ transcoding: (any TrackTranscoding)?) throws(ImportError) {
        var refused: [String] = []
        for stream in demuxer.streams {
            switch stream.mediaType {
            case AVMEDIA_TYPE_VIDEO where isCoverArt(stream): demuxer.ignore(stream)
            case AVMEDIA_TYPE_VIDEO: try take(stream, .video, transcoding, refused: &refused)
            case AVMEDIA_TYPE_AUDIO: try take(stream, .audio, transcoding, refused: &refused)
            case AVMEDIA_TYPE_SUBTITLE: takeSubtitles(stream)
            default: demuxer.ignore(stream)
            }
        }
        guard refused.isEmpty else { throw .notStreamable(found: refused.joined(separator: ", ")) }
        guard !streams.isEmpty else { throw .nothingToPlay(found: demuxer.contents) }
        // The ones that the file calls default come first, then those that come first in it.
        order = streams.values.sorted { left, right in
            let rank = { (stream: StreamImport) in stream.stream.disposition & AV_DISPOSITION_DEFAULT != 0 ? 0 : 1 }
            return (rank(left), left.stream.index) < (rank(right), right.stream.index)
        }.map(\.track)
    }

    /// A picture of the whole, which some containers can only hold as one more video.
    private func isCoverArt(_ stream: SourceStream) -> Bool {
        if stream.disposition & AV_DISPOSITION_ATTACHED_PIC != 0 { return true }
        let images = [
            AV_CODEC_ID_PNG, AV_CODEC_ID_MJPEG, AV_CODEC_ID_BMP, AV_CODEC_ID_GIF, AV_CODEC_ID_WEBP, AV_CODEC_ID_TIFF,
        ]
        return images.contains(stream.codec)
            && demuxer.streams.contains { $0.mediaType == AVMEDIA_TYPE_VIDEO && !images.contains($0.codec) }
    }

    private func take(
        _ stream: SourceStream,
        _ kind: MediaKind,
        _ transcoding: (any TrackTranscoding)?,
        refused: inout [String]
    ) throws(ImportError) {
        guard streams.count < Self.maximumTracks else {
            demuxer.ignore(stream)
            report.remarks.append("left out, for there are more than \(Self.maximumTracks) tracks: \(stream.summary)")
            return
        }
        let track = TrackID(kind, index: UInt8(clamping: streams.count))
        var reason = ""
        if PacketReader.isStreamable(stream.codec) {
            do throws(CodecConfigurationError) {
                streams[stream.index] = try StreamImport(reading: stream, as: track)
                return
            } catch {
                reason = " (\(error))"
            }
        }
        do throws(LibAVError) {
            guard let transcoder = try transcoding?.makeTranscoder(for: stream, as: track) else {
                return refused.append(stream.summary + reason)
            }
            streams[stream.index] = StreamImport(transcoding: stream, as: track, with: transcoder)
        } catch {
            throw .transcoding("\(stream.summary): \(error)")
        }
    }

    private func takeSubtitles(_ stream: SourceStream) {
        if let reader = SubtitleReader(stream), subtitles.count < Self.maximumTracks {
            subtitles[stream.index] = reader
        } else {
            demuxer.ignore(stream)
            report.remarks.append("left out, for they are no text: \(stream.summary)")
        }
    }

    // MARK: - Reading

    /// Reads the file to its end, or as far as it can be read.
    ///
    /// Blocks. The sink is not told that the publish ends, so that the caller can still give it up.
    ///
    /// - Parameters:
    ///   - sink: takes the media, on this thread. Times count from where the file begins to be shown.
    ///   - progress: told how much has been read, 0 to 1, after each step of a thousandth.
    ///   - pause: called before every packet; blocks while what was given is too much for now.
    /// - Returns: what has become of it.
    /// - Throws: ``ImportError``; what the sink has got then is incomplete.
    public func run(
        into sink: any AccessUnitSink,
        progress: (Double) -> Void = { _ in },
        pause: () -> Void = {}
    ) throws(ImportError) -> Report {
        let outlet = ImportOutlet(into: sink, order: order, start: demuxer.start, mayJump: demuxer.mayJump)
        try read(into: outlet, progress: progress, pause: pause)
        for index in streams.keys.sorted() {
            do throws(LibAVError) {
                try streams[index]?.finish(into: outlet)
            } catch {
                throw .transcoding("\(error)")
            }
        }
        outlet.open()
        guard !outlet.tracks.isEmpty else { throw .nothingToPlay(found: demuxer.contents) }
        report.tracks = outlet.tracks
        report.subtitles = subtitles.keys.sorted().compactMap { subtitles[$0]?.track(outlet.time(of:)) }
        remark(on: outlet)
        progress(1)
        return report
    }

    private func read(
        into outlet: ImportOutlet,
        progress: (Double) -> Void,
        pause: () -> Void
    ) throws(ImportError) {
        var (packets, errors) = (0, 0)
        while true {
            switch try demuxer.next() {
            case .end: return
            case .broken(let reason):
                errors += 1
                guard errors < Self.maximumReadErrors, !demuxer.isAtEnd else {
                    report.remarks.append("the file breaks off: \(reason)")
                    return
                }
                continue
            case .packet(let packet):
                pause()
                try handle(packet, outlet)
            }
            packets += 1
            if packets >= Self.preparationPackets || outlet.waitingBytes >= Self.longestPreparation
                || outlet.knowsAllTracks
            {
                outlet.open()
            }
            tell(progress, outlet)
        }
    }

    private func handle(_ packet: UnsafeMutablePointer<AVPacket>, _ outlet: ImportOutlet) throws(ImportError) {
        let index = Int(packet.pointee.stream_index)
        do throws(LibAVError) {
            try streams[index]?.receive(packet, into: outlet)
        } catch {
            throw .transcoding("\(error)")
        }
        subtitles[index]?.receive(packet)
    }

    /// By time where the file says how long it is, else by bytes.
    private func tell(_ progress: (Double) -> Void, _ outlet: ImportOutlet) {
        let done =
            demuxer.duration.map { outlet.position.seconds / max($0.seconds, 0.001) }
            ?? Double(input.position) / Double(max(input.byteCount, 1))
        guard done - lastProgress >= 0.001, done < 1 else { return }
        lastProgress = done
        progress(done)
    }

    private func remark(on outlet: ImportOutlet) {
        let broken = streams.values.reduce(0) { $0 + $1.brokenPackets }
        if broken > 0 { report.remarks.append("\(broken) broken packets were left out") }
        if outlet.undecodableUnits > 0 {
            report.remarks.append("\(outlet.undecodableUnits) pictures before the first keyframe were left out")
        }
        if outlet.clockJumps > 0 { report.remarks.append("the clock of the file jumps \(outlet.clockJumps) times") }
        if let duration = demuxer.duration,
            duration - outlet.position > max(.milliseconds(2000), .seconds(duration.seconds / 50))
        {
            let seconds = { (time: MediaTime) in "\((time.seconds * 10).rounded() / 10) s" }
            report.remarks.append(
                "the file ends at \(seconds(outlet.position)) of the \(seconds(duration)) that it states"
            )
        }
        for stream in streams.values where !outlet.hasNumber(stream.track) {
            report.remarks.append("nothing could be made of a stream: \(stream.stream.summary)")
        }
    }
}
