internal import CLibAV
internal import MediaCore

/// Transcodes to H.264 and AAC, from anything that libavcodec decodes.
struct LibAVTranscoding: TrackTranscoding {
    /// How many threads pictures may take; sound takes one.
    ///
    /// Their priority is that of the thread that makes the transcoder.
    var threads = 2

    func makeTranscoder(for stream: SourceStream, as track: TrackID) throws(LibAVError) -> (any TrackTranscoder)? {
        guard avcodec_find_decoder(stream.codec) != nil else { return nil }
        switch stream.mediaType {
        case AVMEDIA_TYPE_VIDEO: return try VideoTranscoder(stream, as: track, threads: threads)
        case AVMEDIA_TYPE_AUDIO: return try AudioTranscoder(stream, as: track)
        default: return nil
        }
    }
}
