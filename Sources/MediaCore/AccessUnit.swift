public import NIOCore

/// One coded picture or one audio frame, as it goes into a container.
public struct AccessUnit: Sendable {
    /// The track it belongs to.
    public let trackID: TrackID
    /// When it is decoded, on the publisher's clock: monotone per track unless that clock jumps.
    public let decodeTime: MediaTime
    /// When it is shown, relative to ``decodeTime``.
    ///
    /// Negative from some encoders.
    public let compositionOffset: MediaTime
    /// Whether decoding can start here: an IDR picture or its like; true for every audio frame.
    public let isSync: Bool
    /// The coded bytes.
    ///
    /// In the form that ``CodecConfiguration`` names: NAL units after their lengths, OBUs, frames, packets.
    public let payload: ByteBuffer
    /// The samples of sound in it where these change from one to the next, as with Opus and FLAC; else `nil`, and
    /// ``SoundFormat/samplesPerAccessUnit`` holds.
    public let sampleCount: Int?
    /// How long it is shown or heard, where its source says so: a file knows how long its last picture stays.
    public let duration: MediaTime?

    /// An access unit of a track.
    public init(
        trackID: TrackID,
        decodeTime: MediaTime,
        compositionOffset: MediaTime = .zero,
        isSync: Bool,
        payload: ByteBuffer,
        sampleCount: Int? = nil,
        duration: MediaTime? = nil
    ) {
        self.trackID = trackID
        self.decodeTime = decodeTime
        self.compositionOffset = compositionOffset
        self.isSync = isSync
        self.payload = payload
        self.sampleCount = sampleCount
        self.duration = duration
    }
}
