internal import MediaCore
internal import Recordings

/// Which segments of a recording a clip has.
///
/// Pure. Segments stay whole: players begin inside of the first one, and what is behind the end is cut off where that can be.
struct ClipSelection: Hashable {
    /// The segments, by number.
    let segments: Range<Int>

    /// The segments that show a span of a recording; `nil` when there is nothing to be shown in it.
    ///
    /// - Parameters:
    ///   - span: the span, counted from the beginning of the recording.
    ///   - locations: the segments of its primary tracks.
    init?(_ span: Range<MediaTime>, of locations: [SegmentLocation]) {
        let covering = locations.indices.filter { index in
            let location = locations[index]
            return location.start < span.upperBound && location.start + location.duration > span.lowerBound
                && !location.isLost
        }
        guard var first = covering.first, let last = covering.last else { return nil }
        // What a picture is made of may be in the segments in front of it.
        while first > 0, !locations[first].isIndependent, !locations[first - 1].isLost { first -= 1 }
        segments = first..<last + 1
    }

    private init(segments: Range<Int>) { self.segments = segments }

    /// The same with a segment more at its beginning.
    func beginningEarlier() -> ClipSelection? {
        segments.lowerBound > 0 ? ClipSelection(segments: segments.lowerBound - 1..<segments.upperBound) : nil
    }

    /// The locations of a rendition's segments as the clip has them.
    ///
    /// Files and initialization segments are numbered anew, in the order in which they are needed.
    func locations(from locations: [SegmentLocation]) -> ClipRendition {
        var rendition = ClipRendition()
        let known = locations[segments.clamped(to: locations.indices)]
        for (number, location) in known.enumerated() {
            var location = location
            location.start = location.start - (known.first?.start ?? .zero)
            if number == 0 { location.isDiscontinuous = false }
            location.initialization = rendition.initialization(location.initialization, for: number)
            if !location.isLost { location.file = rendition.file(location.file) }
            rendition.locations.append(location)
        }
        return rendition
    }
}

/// One rendition of a clip, and which of its files are which of the recording's.
struct ClipRendition: Hashable {
    fileprivate(set) var locations: [SegmentLocation] = []
    /// The numbers of the clip's media files, by those of the recording's.
    private(set) var files: [UInt32: UInt32] = [:]
    /// The numbers of the clip's initialization segments, by those of the recording's.
    private(set) var initializations: [UInt32: UInt32] = [:]

    fileprivate mutating func file(_ number: UInt32) -> UInt32 {
        let known = files[number] ?? UInt32(files.count + 1)
        files[number] = known
        return known
    }

    /// An initialization segment has the number of the first segment that needs it.
    fileprivate mutating func initialization(_ number: UInt32, for segment: Int) -> UInt32 {
        let known = initializations[number] ?? UInt32(segment)
        initializations[number] = known
        return known
    }

    /// The bytes of its segments.
    var byteCount: Int64 { locations.reduce(0) { $0 + Int64($1.length) } }

    /// The same segments one behind the other in files of their own.
    ///
    /// - Parameter fileSize: how many bytes a file has at most, unless one segment has more.
    /// - Returns: the rendition as it lies there.
    func packed(fileSize: UInt64) -> ClipRendition {
        var packed = self
        packed.files = [:]
        var (file, end): (UInt32, UInt64) = (1, 0)
        for index in packed.locations.indices where !packed.locations[index].isLost {
            let length = UInt64(packed.locations[index].length)
            if end > 0, end + length > fileSize { (file, end) = (file + 1, 0) }
            packed.locations[index].file = file
            packed.locations[index].offset = end
            end += length
        }
        return packed
    }
}
