internal import MediaCore
internal import NIOCore

/// One access unit with its place on its track's timeline, as `trun` lists it (ISO/IEC 14496-12 §8.8.8).
struct Sample {
    /// In ticks of the track's timescale.
    var decodeTime: Int64
    /// In ticks; the distance to the next sample of the track.
    var duration: Int64
    /// In ticks, signed.
    var compositionOffset: Int64
    var isSync: Bool
    var payload: ByteBuffer
}

extension Sample {
    /// An access unit at the place that its track's timeline gives it.
    init(_ unit: AccessUnit, at placement: TrackTimeline.Placement) {
        self.init(
            decodeTime: placement.decodeTime,
            duration: placement.duration,
            compositionOffset: unit.compositionOffset.ticks(timescale: TrackTimeline.videoTimescale)
                + placement.displacement,
            isSync: unit.isSync,
            payload: unit.payload
        )
    }

    /// A frame of silence; `nil` when it is not known how to write one.
    init?(silenceOf track: Track) {
        guard let sound = track.configuration.sound, let bytes = track.configuration.silentAccessUnit else {
            return nil
        }
        self.init(
            decodeTime: 0,
            duration: Int64(sound.samplesPerAccessUnit),
            compositionOffset: 0,
            isSync: true,
            payload: ByteBuffer(bytes: bytes)
        )
    }
}

extension Sample {
    /// The same sample, shown at the same time, but decoded by some time at the latest.
    func decoded(noLaterThan time: Int64) -> Sample {
        guard time < decodeTime else { return self }
        var earlier = self
        earlier.compositionOffset += decodeTime - time
        earlier.decodeTime = time
        return earlier
    }
}

/// The samples of one track within one segment, in decoding order.
struct TrackRun {
    let track: Track
    /// Ticks a second.
    let timescale: Int64
    var samples: [Sample] = []
}
