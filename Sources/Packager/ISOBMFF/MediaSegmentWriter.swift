internal import MediaCore
internal import NIOCore

/// Writes a media segment: one `moof` and one `mdat` (RFC 8216 §3.3, ISO/IEC 14496-12 §8.8).
///
/// Laid out once into one buffer of the exact size: the only copy of the media after its message was put together.
enum MediaSegmentWriter {
    /// The segment of these runs.
    ///
    /// - Parameters:
    ///   - runs: the samples of each track, each run with at least one, none with a negative first decode time.
    ///   - trackIDs: the track_ID of each run in the initialization segment.
    ///   - sequenceNumber: mfhd's number, which grows from fragment to fragment.
    ///   - events: what the encoder said meanwhile.
    /// - Returns: the whole segment.
    static func write(
        _ runs: [TrackRun],
        trackIDs: [UInt32],
        sequenceNumber: UInt32,
        events: [TimedMetadataQueue.Event] = []
    ) -> ByteBuffer {
        let eventBoxes = EventMessageWriter.write(events)
        let payloadSize = runs.reduce(0) { $0 + $1.payloadSize }
        let headerSize = movieFragmentSize(runs)
        var writer = BoxWriter(capacity: eventBoxes.readableBytes + headerSize + 8 + payloadSize)
        writer.write(eventBoxes)
        writer.box("moof") { moof in
            moof.fullBox("mfhd") { $0.write(sequenceNumber) }
            var dataOffset = headerSize + 8
            for (run, id) in zip(runs, trackIDs) {
                write(run, id: id, dataOffset: dataOffset, to: &moof)
                dataOffset += run.payloadSize
            }
        }
        writer.box("mdat") { mdat in
            for run in runs {
                for index in run.samples.indices { mdat.write(run.samples[index].payload) }
            }
        }
        return writer.buffer
    }

    /// How many of a segment's first bytes show its first picture, if that is a sync sample; else 0.
    ///
    /// Pictures come first in the payload.
    static func keyframeLength(_ runs: [TrackRun], events: [TimedMetadataQueue.Event] = []) -> Int {
        guard let run = runs.first, run.track.id.kind == .video, let first = run.samples.first, first.isSync else {
            return 0
        }
        let eventBoxes = EventMessageWriter.write(events)
        return eventBoxes.readableBytes + movieFragmentSize(runs) + 8 + first.payload.readableBytes
    }

    /// The size of a segment with one run alone, in bytes, without event messages.
    static func size(of run: TrackRun) -> Int { movieFragmentSize([run]) + 8 + run.payloadSize }

    private enum Size {
        static let box = 8
        static let fullBox = 12
        static let movieFragmentHeader = fullBox + 4
        static let trackFragmentHeader = fullBox + 4
        static let decodeTime = fullBox + 8
        static let trackRun = fullBox + 8
        static let sample = 16
    }

    private static func movieFragmentSize(_ runs: [TrackRun]) -> Int {
        runs.reduce(Size.box + Size.movieFragmentHeader) { size, run in
            size + Size.box + Size.trackFragmentHeader + Size.decodeTime + Size.trackRun
                + run.samples.count * Size.sample
        }
    }

    /// tfhd: data offsets count from the `moof` (§8.8.7.1).
    private static let defaultBaseIsMoof: UInt32 = 0x02_0000
    /// trun: data_offset, then duration, size, flags and composition offset of every sample (§8.8.8.1).
    private static let trackRunFlags: UInt32 = 0x01 | 0x0100 | 0x0200 | 0x0400 | 0x0800

    private static func write(_ run: TrackRun, id: UInt32, dataOffset: Int, to moof: inout BoxWriter) {
        moof.box("traf") { traf in
            traf.fullBox("tfhd", flags: defaultBaseIsMoof) { $0.write(id) }
            traf.fullBox("tfdt", version: 1) { $0.write(UInt64(clamping: run.samples.first?.decodeTime ?? 0)) }
            // Version 1: composition offsets are signed.
            traf.fullBox("trun", version: 1, flags: trackRunFlags) { trun in
                trun.write(UInt32(run.samples.count))
                trun.write(Int32(clamping: dataOffset))
                for sample in run.samples { trun.write(entry: sample) }
            }
        }
    }
}

extension BoxWriter {
    /// sample_depends_on 2, "does not depend on others", and sample_depends_on 1 with sample_is_non_sync_sample
    /// (ISO/IEC 14496-12 §8.8.3.1).
    private static let syncSampleFlags: UInt32 = 0x0200_0000
    private static let nonSyncSampleFlags: UInt32 = 0x0101_0000

    fileprivate mutating func write(entry sample: Sample) {
        let duration = UInt64(UInt32(clamping: sample.duration))
        let size = UInt64(UInt32(clamping: sample.payload.readableBytes))
        let flags = UInt64(sample.isSync ? Self.syncSampleFlags : Self.nonSyncSampleFlags)
        let compositionOffset = UInt64(UInt32(bitPattern: Int32(clamping: sample.compositionOffset)))
        // Two stores instead of four: this runs once for every access unit.
        write(duration << 32 | size)
        write(flags << 32 | compositionOffset)
    }
}

extension TrackRun {
    /// The bytes of all its samples.
    var payloadSize: Int { samples.reduce(0) { $0 + $1.payload.readableBytes } }
}
