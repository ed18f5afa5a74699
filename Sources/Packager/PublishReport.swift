internal import LiveStore
internal import Logging
internal import MediaCore
internal import NIOCore

/// Tells the streamer, in the log, what becomes of a publish; each complaint once.
struct PublishReport {
    private let logger: Logger
    /// Where segments are meant to end.
    private let nominal: MediaTime
    private var complaints: Set<Complaint> = []
    private var isHoldingPicture = false
    private var renditions: Set<Rendition.ID> = []

    private enum Complaint {
        case drops
        case silence
        case forcedCuts
        case strayKeyframes
        case refusedTracks
    }

    init(_ logger: Logger, nominal: MediaTime) {
        self.logger = logger
        self.nominal = nominal
    }

    /// Some access units are in no segment.
    mutating func dropped() {
        guard complaints.insert(.drops).inserted else { return }
        logger.warning(
            "media dropped: a segment is larger than allowed, or a track is too late",
            metadata: ["segment.maximum_bytes": "\(Segmenter.maximumSegmentBytes)"]
        )
    }

    /// A track was announced that is more than a live may have.
    mutating func refusedTrack() {
        guard complaints.insert(.refusedTracks).inserted else { return }
        logger.warning(
            "a track is left out: the encoder sends more than a live may have",
            metadata: ["publish.maximum_tracks": "\(RenditionSegmenter.maximumTracks)"]
        )
    }

    /// A part is about to be published.
    mutating func began(_ set: PartSet) {
        let isStray = set.further.contains { $0.samples.first?.isSync == false }
        if set.primary.isFirst, set.primary.parent.isIndependent, isStray, complaints.insert(.strayKeyframes).inserted {
            logger.warning(
                "keyframes differ between the video tracks: changes of quality may show a gap; set one interval for all"
            )
        }
    }

    /// A segment can be fetched, in these renditions beside the primary tracks'.
    mutating func published(
        _ set: PartSet,
        _ ending: PartDraft.Ending,
        _ segment: MediaSegment,
        _ renditions: Set<Rendition.ID>,
        isFirst: Bool,
        targetDuration: Int
    ) {
        logger.debug(
            "segment published",
            metadata: [
                "segment.number": "\(segment.mediaSequenceNumber)",
                "segment.duration": "\(segment.duration.decimalSeconds) s",
                "segment.bytes": "\(segment.resource.byteCount)",
            ]
        )
        if isFirst {
            let runs = set.primary.runs + set.further
            logger.info(
                "live can be watched",
                metadata: [
                    "hls.codecs": "\(runs.map(\.track.configuration.codecString).joined(separator: ","))",
                    "hls.target_duration": "\(targetDuration) s",
                ]
            )
            warnOfLongGroups(segment.duration)
        } else if segment.isDiscontinuous {
            logger.info("live goes on after a change of tracks, format or clock")
        }
        tellRenditions(renditions)
        warn(of: ending, targetDuration: targetDuration)
    }

    /// Silence stands in for sound.
    mutating func insertedSilence() {
        guard complaints.insert(.silence).inserted else { return }
        logger.warning("sound is missing from what the encoder sends: viewers hear silence instead")
    }

    private mutating func tellRenditions(_ now: Set<Rendition.ID>) {
        guard now != renditions else { return }
        renditions = now
        let names = now.map { MediaPlaylist.name(of: $0) }.sorted()
        logger.info(
            "renditions changed with the encoder's tracks",
            metadata: ["hls.renditions": "\(([MediaPlaylist.name] + names).joined(separator: ","))"]
        )
    }

    private mutating func warn(of ending: PartDraft.Ending, targetDuration: Int) {
        if ending.holdsPicture, !isHoldingPicture {
            logger.warning("the encoder sends sound but no pictures: viewers see the last keyframe until one comes")
        }
        isHoldingPicture = ending.holdsPicture
        if ending.isForcedCut, complaints.insert(.forcedCuts).inserted {
            logger.warning(
                "keyframes are further apart than at the start: players may show a gap; set the keyframe interval to 2 s",
                metadata: ["hls.target_duration": "\(targetDuration) s"]
            )
        }
    }

    private func warnOfLongGroups(_ duration: MediaTime) {
        guard duration.seconds > 1.5 * nominal.seconds else { return }
        logger.warning(
            "keyframes are far apart, which delays every viewer: set the keyframe interval to 2 s in the encoder",
            metadata: ["encoder.keyframe_interval": "\(duration.decimalSeconds) s"]
        )
    }
}
