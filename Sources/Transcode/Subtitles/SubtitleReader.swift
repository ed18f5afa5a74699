internal import CLibAV
internal import MediaCore

/// Collects the cues of one subtitle stream.
struct SubtitleReader {
    /// How many bytes of text are kept of a stream: a feature film has a hundredth of it.
    private static let maximumBytes = 8 << 20
    private static let maximumCues = 100_000
    /// How long a cue stays whose end the file does not tell.
    private static let usualDuration = MediaTime.milliseconds(3000)

    private enum Form {
        case markup
        case timedText
        case subStationAlpha
    }

    private let stream: SourceStream
    private let form: Form
    private var cues: [SubtitleCue] = []
    private var byteCount = 0

    /// A reader for a stream; `nil` for subtitles that are pictures.
    init?(_ stream: SourceStream) {
        self.stream = stream
        switch stream.codec {
        case AV_CODEC_ID_SUBRIP, AV_CODEC_ID_WEBVTT, AV_CODEC_ID_TEXT: form = .markup
        case AV_CODEC_ID_MOV_TEXT: form = .timedText
        case AV_CODEC_ID_ASS: form = .subStationAlpha
        default: return nil
        }
    }

    /// Takes a packet of the stream.
    mutating func receive(_ packet: UnsafePointer<AVPacket>) {
        guard let data = packet.pointee.data, packet.pointee.size > 0, let start = time(packet.pointee.pts),
            byteCount < Self.maximumBytes, cues.count < Self.maximumCues
        else { return }
        let bytes = UnsafeBufferPointer(start: data, count: Int(packet.pointee.size))
        let text =
            switch form {
            case .markup: SubtitleText.fromMarkup(bytes)
            case .timedText: SubtitleText.fromTimedText(bytes)
            case .subStationAlpha: SubtitleText.fromSubStationAlpha(bytes)
            }
        guard !text.isEmpty else { return }
        let duration = packet.pointee.duration > 0 ? time(packet.pointee.duration) : nil
        byteCount += text.utf8.count
        cues.append(SubtitleCue(start: start, end: start + (duration ?? Self.usualDuration), text: text))
    }

    /// The track so far.
    ///
    /// - Parameter time: what a time of the file is in the recording.
    /// - Returns: the track; `nil` when it has no cue.
    func track(_ time: (MediaTime) -> MediaTime) -> SubtitleTrack? {
        guard !cues.isEmpty else { return nil }
        let moved = cues.map { SubtitleCue(start: max(.zero, time($0.start)), end: time($0.end), text: $0.text) }
        return SubtitleTrack(
            labels: stream.labels,
            isDefault: stream.disposition & AV_DISPOSITION_DEFAULT != 0,
            isForced: stream.disposition & AV_DISPOSITION_FORCED != 0,
            cues: moved.filter { $0.end > $0.start }.sorted { ($0.start, $0.end) < ($1.start, $1.end) }
        )
    }

    private func time(_ ticks: Int64) -> MediaTime? {
        let base = stream.timeBase
        guard ticks != lyceum_av_no_pts, base.num > 0, base.den > 0 else { return nil }
        let nanoseconds = av_rescale(ticks, Int64(base.num) * 1_000_000_000, Int64(base.den))
        return abs(nanoseconds) <= MediaTime.limit.nanoseconds >> 4 ? MediaTime(nanoseconds: nanoseconds) : nil
    }
}
