internal import LiveStore
internal import NIOCore
internal import Recordings
internal import Storage

/// Where a rendition's segments go beside memory.
enum RenditionStore {
    /// To the disk as long as the window reaches back to them.
    case window(MediaLog)
    /// Into a recording.
    case recording(RenditionRecorder)

    /// A segment begins.
    mutating func begin(_ segment: UnfinishedSegment) {
        guard case .recording(var recorder) = self else { return }
        recorder.begin(segment)
        self = .recording(recorder)
    }

    /// A part has come.
    ///
    /// - Returns: where the segment is, if it is complete and this knows.
    mutating func append(
        _ part: PartialSegment,
        at place: PartPlace,
        dateRanges: [DateRange],
        keyframeLength: Int
    ) -> FiledBytes? {
        guard case .recording(var recorder) = self else { return nil }
        defer { self = .recording(recorder) }
        return recorder.append(
            part,
            dateRanges: dateRanges,
            keyframeLength: keyframeLength,
            segmentDuration: place.segmentDuration
        )
    }

    /// A segment is complete.
    func append(_ pieces: [ByteBuffer]) -> FiledBytes? {
        guard case .window(let log) = self else { return nil }
        return log.append(pieces)
    }

    /// The multivariant playlist says this of the rendition from now on.
    mutating func note(_ variant: Variant) {
        guard case .recording(var recorder) = self else { return }
        recorder.note(variant: variant.text)
        self = .recording(recorder)
    }
}
