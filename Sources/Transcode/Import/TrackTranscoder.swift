internal import CLibAV
internal import MediaCore

/// A stream of an opened file, as libavformat describes it.
///
/// Valid as long as its ``Demuxer`` is.
struct SourceStream {
    /// Its number in the file.
    let index: Int
    /// How it is coded: of an opened file, complete as far as libavformat could tell.
    let parameters: UnsafePointer<AVCodecParameters>
    /// The unit of its packets' times.
    let timeBase: AVRational
    /// Pictures a second as the file claims; 0/1 where it does not.
    let frameRate: AVRational
    /// What is told of it besides.
    let labels: TrackLabels
    /// AV_DISPOSITION_*.
    let disposition: Int32

    /// What kind of media it has.
    var mediaType: AVMediaType { parameters.pointee.codec_type }
    /// AV_CODEC_ID_*.
    var codec: AVCodecID { parameters.pointee.codec_id }
}

/// Makes access units of a codec that players take out of packets of one that they do not.
///
/// One serves one stream of one file, on the thread of the import. What it gives goes into the sink at once: first the track
/// with the configuration, before any access unit of it. Times are those of the packets, in nanoseconds: an access unit
/// is shown at the packet's `pts` times ``SourceStream/timeBase``, so that sound and picture stay together whichever of
/// them is transcoded. Audio frames begin where their first sample is heard, without the encoder's delay.
protocol TrackTranscoder: AnyObject {
    /// Takes a packet, in decoding order.
    ///
    /// - Parameters:
    ///   - packet: the packet, valid for the call; it may be broken, which costs that packet only.
    ///   - sink: takes what is ready.
    /// - Throws: ``LibAVError`` when nothing more can be made of the stream.
    func receive(_ packet: UnsafePointer<AVPacket>, into sink: any AccessUnitSink) throws(LibAVError)

    /// Gives what is left, after the last packet.
    func finish(into sink: any AccessUnitSink) throws(LibAVError)
}

/// Opens transcoders for the streams of a file that are not streamable as they are.
protocol TrackTranscoding: Sendable {
    /// Opens one.
    ///
    /// - Parameters:
    ///   - stream: the stream.
    ///   - track: the number of its track; ``SourceStream/labels`` belong to the track as well.
    /// - Returns: the transcoder; `nil` when the codec cannot be decoded.
    /// - Throws: ``LibAVError`` when the decoder or the encoder refuses the stream.
    func makeTranscoder(for stream: SourceStream, as track: TrackID) throws(LibAVError) -> (any TrackTranscoder)?
}
