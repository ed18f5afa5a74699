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
    /// H.264: NAL units, each after its length (ISO/IEC 14496-15 §5.3.3). AAC: one raw data block.
    public let payload: ByteBuffer

    /// An access unit of a track.
    public init(
        trackID: TrackID,
        decodeTime: MediaTime,
        compositionOffset: MediaTime = .zero,
        isSync: Bool,
        payload: ByteBuffer
    ) {
        self.trackID = trackID
        self.decodeTime = decodeTime
        self.compositionOffset = compositionOffset
        self.isSync = isSync
        self.payload = payload
    }
}
