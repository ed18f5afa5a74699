internal import MediaCore
internal import NIOCore
internal import Storage

/// When the first samples of a segment are shown, on the fragments' timeline.
struct SegmentTimes: Hashable {
    /// Of the track that begins first.
    private(set) var first: MediaTime
    /// Of the pictures; where there are none, of the track that begins first.
    private(set) var picture: MediaTime

    /// Reads the headers of a segment.
    ///
    /// Blocks.
    ///
    /// - Returns: `nil` for a segment without samples.
    /// - Throws: ``FragmentHeaders/Failure``.
    init?(of segment: FileSlice, initialization: ByteBuffer) throws(FragmentHeaders.Failure) {
        var templates: [UInt32: TrackTemplate] = [:]
        do throws(FragmentError) {
            for template in try TrackTemplate.templates(of: initialization) { templates[template.id] = template }
        } catch {
            throw .fragment(error)
        }
        var starts: [UInt32: MediaTime] = [:]
        try FragmentHeaders.read(of: segment) { (moof, _) throws(FragmentError) in
            var fragment = try BoxReader(moof).box("moof")
            while let box = try fragment.nextBox() {
                guard box.type == "traf" else { continue }
                let id = try FragmentReader.trackID(of: box.payload)
                guard starts[id] == nil, let template = templates[id] else { continue }
                starts[id] = try Self.start(of: box.payload, timescale: Int64(template.coding.timescale))
            }
        }
        guard let first = starts.values.min() else { return nil }
        self.first = first
        let pictures = starts.filter { templates[$0.key]?.coding.handler == TrackTemplate.video }
        picture = pictures.values.min() ?? first
    }

    private static func start(of traf: BoxReader, timescale: Int64) throws(FragmentError) -> MediaTime? {
        var run = try FragmentReader.run(of: traf)
        guard run.count > 0 else { return nil }
        let time = try FragmentReader.decodeTime(of: traf) + (try run.next()).compositionOffset
        return MediaTime(ticks: time, timescale: timescale)
    }
}
