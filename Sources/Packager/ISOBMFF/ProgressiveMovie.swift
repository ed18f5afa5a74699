// Makes the beginning of a progressive MP4 file out of fragments that stay as they are.
//
//   ftyp
//   moov    tables that say where each sample lies
//   mdat    the fragments one behind the other: their moof and emsg boxes are bytes that nothing refers to
//
// So the file is a short beginning, made once, and the recording's own bytes behind it. Nothing is copied, and every range of
// the file is a range of these.

internal import MediaCore
internal import NIOCore
internal import Storage

/// The tracks of a progressive file while the headers of its fragments are read.
struct ProgressiveMovie {
    /// A file has no more tracks than this; real ones have two, or one for each language.
    private static let mostTracks = 64

    /// Where a track comes from: a rendition of the recording, and what is coded how.
    private struct Key: Hashable {
        let source: Int
        let coding: TrackTemplate.Coding
    }

    /// What a `traf` belongs to.
    private struct Assignment {
        let track: Int
        let description: UInt32
    }

    private let scratch: ScratchFile
    private var tracks: [ProgressiveTrack] = []
    private var numbers: [Key: Int] = [:]
    /// By source, the tracks of the initialization segment that applies.
    private var assignments: [Int: [UInt32: Assignment]] = [:]

    /// A movie without tracks, whose tables go to a scratch file.
    init(_ scratch: ScratchFile) { self.scratch = scratch }

    /// Whether there is anything in it.
    var isEmpty: Bool { tracks.allSatisfy { $0.tables.count == 0 } }

    /// The bytes of all samples.
    var sampleBytes: Int { tracks.reduce(0) { $0 + $1.tables.byteCount } }

    // MARK: - Reading

    /// Takes the initialization segment that applies to what comes next of a source.
    ///
    /// - Parameters:
    ///   - initialization: the segment.
    ///   - source: which rendition, counted from 0.
    /// - Throws: ``FragmentError`` when it cannot be read, or there are too many tracks or sample entries.
    mutating func use(_ initialization: ByteBuffer, of source: Int) throws(FragmentError) {
        var assigned: [UInt32: Assignment] = [:]
        for template in try TrackTemplate.templates(of: initialization) {
            let key = Key(source: source, coding: template.coding)
            let number = try number(of: key, template)
            let description = try tracks[number].description(template.sampleEntry)
            assigned[template.id] = Assignment(track: number, description: description)
        }
        assignments[source] = assigned
    }

    private mutating func number(of key: Key, _ template: TrackTemplate) throws(FragmentError) -> Int {
        if let number = numbers[key] { return number }
        guard tracks.count < Self.mostTracks else { throw .unexpected("more than \(Self.mostTracks) tracks") }
        // Renditions with sound alone are one another's alternatives; what follows another coding is not.
        let handler = key.coding.handler
        let isFurther = numbers.keys.contains { $0.source != key.source && $0.coding.handler == handler }
        numbers[key] = tracks.count
        tracks.append(
            ProgressiveTrack(
                template,
                isEnabled: !isFurther,
                alternateGroup: handler == TrackTemplate.audio ? 1 : 0,
                scratch
            )
        )
        return tracks.count - 1
    }

    /// Takes the header of a fragment.
    ///
    /// - Parameters:
    ///   - moof: the box, whole, and nothing else.
    ///   - source: which rendition it is of.
    ///   - position: where it begins, counted from the beginning of the media.
    ///   - end: where the segment that it is in ends, counted likewise.
    /// - Throws: ``FragmentError`` when it cannot be read, or its samples do not lie in its segment.
    mutating func append(
        _ moof: ByteBuffer,
        of source: Int,
        at position: UInt64,
        endingBefore end: UInt64
    )
        throws(FragmentError)
    {
        var fragment = try BoxReader(moof).box("moof")
        while let box = try fragment.nextBox() {
            guard box.type == "traf",
                let assignment = assignments[source]?[try FragmentReader.trackID(of: box.payload)]
            else { continue }
            let run = try FragmentReader.run(of: box.payload)
            let bytes = try Self.byteCount(of: run)
            guard run.dataOffset >= moof.readableBytes, UInt64(run.dataOffset + bytes) <= end - position else {
                throw .truncated
            }
            try tracks[assignment.track].tables.append(
                run,
                at: try FragmentReader.decodeTime(of: box.payload),
                offset: position + UInt64(run.dataOffset),
                description: assignment.description
            )
        }
    }

    private static func byteCount(of run: FragmentReader.Run) throws(FragmentError) -> Int {
        var (run, count) = (run, 0)
        for _ in 0..<run.count { count += try run.next().size }
        return count
    }

    // MARK: - Writing

    /// What a file says of itself besides its media.
    struct Labels {
        var title = ""
        /// In seconds since 1970.
        var createdAt: Int64 = 0
    }

    /// The beginning of the file, up to the media.
    ///
    /// To be called once, last.
    ///
    /// - Parameters:
    ///   - mediaLength: the bytes of all fragments.
    ///   - cut: what is shown, counted from the first picture, or from the first sound where there are no pictures; `nil` for
    ///     all there is.
    ///   - labels: what is said besides.
    /// - Returns: `ftyp`, `moov` and the header of `mdat`.
    mutating func beginning(
        mediaLength: UInt64,
        cut: (start: MediaTime, duration: MediaTime)? = nil,
        _ labels: Labels
    ) -> [BoxTree] {
        for index in tracks.indices { tracks[index].tables.finish() }
        let window = window(cut)
        let shown = tracks.filter { $0.tables.count > 0 }.map { ($0, $0.edits(showing: window)) }
            .filter { !$0.1.edits.isEmpty }
        let createdAt = UInt64(clamping: labels.createdAt + Self.secondsFrom1904To1970)
        func make(_ form: BoxTree.OffsetForm, base: UInt64) -> [BoxTree] {
            var boxes: [BoxTree] = []
            for (index, entry) in shown.enumerated() {
                boxes.append(
                    entry.0.box(id: UInt32(index + 1), entry.1, createdAt: createdAt, form, base: base)
                )
            }
            let duration = shown.map(\.1.duration).max() ?? 0
            let header = Self.header(duration: duration, trackCount: shown.count, createdAt: createdAt)
            let movie = BoxTree.box("moov", [.bytes(header)] + boxes + [.bytes(Self.userData(title: labels.title))])
            return [.bytes(Self.fileType), movie, .bytes(Self.mediaHeader(mediaLength))]
        }
        func size(_ boxes: [BoxTree]) -> UInt64 { boxes.reduce(0) { $0 + UInt64($1.size) } }
        let short = size(make(.short, base: 0))
        guard short + mediaLength > UInt64(UInt32.max) else { return make(.short, base: short) }
        return make(.long, base: size(make(.long, base: 0)))
    }

    /// What the file shows of the fragments' timeline.
    private func window(_ cut: (start: MediaTime, duration: MediaTime)?) -> Range<MediaTime> {
        let all = tracks.compactMap(\.presentation)
        guard let start = all.map(\.lowerBound).min(), let end = all.map(\.upperBound).max() else {
            return .zero..<MediaTime.zero
        }
        guard let cut else { return start..<end }
        let pictures = tracks.filter { $0.template.coding.handler == TrackTemplate.video }.compactMap(\.presentation)
        let beginning = (pictures.map(\.lowerBound).min() ?? start) + cut.start
        return beginning..<max(beginning, beginning + cut.duration)
    }

    private static let secondsFrom1904To1970: Int64 = 2_082_844_800

    private static var fileType: ByteBuffer {
        var writer = BoxWriter(capacity: 32)
        writer.box("ftyp") { box in
            box.writeLetters("isom")
            box.write(UInt32(0x200))
            // iso4: signed composition offsets.
            for brand: StaticString in ["isom", "iso4", "mp41", "mp42"] { box.writeLetters(brand) }
        }
        return writer.buffer
    }

    private static func header(duration: Int64, trackCount: Int, createdAt: UInt64) -> ByteBuffer {
        var writer = BoxWriter(capacity: 128)
        writer.timedBox("mvhd", createdAt: createdAt, duration: UInt64(clamping: duration)) {
            $0.write(UInt32(clamping: EditList.movieTimescale))
        } _: {
            $0.write(UInt32(0x0001_0000))  // rate 1.0
            $0.write(UInt16(0x0100))  // volume 1.0
            $0.writeZeros(10)
            for value: UInt32 in [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000] { $0.write(value) }
            $0.writeZeros(24)
            $0.write(UInt32(clamping: trackCount + 1))
        }
        return writer.buffer
    }

    /// The title where players look for it: `©nam` as iTunes writes it.
    private static func userData(title: String) -> ByteBuffer {
        var writer = BoxWriter(capacity: 128 + title.utf8.count)
        guard !title.isEmpty else { return writer.buffer }
        writer.box("udta") { data in
            data.fullBox("meta") { meta in
                meta.fullBox("hdlr") { handler in
                    handler.writeZeros(4)
                    handler.writeLetters("mdirappl")
                    handler.writeZeros(9)
                }
                meta.box("ilst") { list in
                    list.box(title: title)
                }
            }
        }
        return writer.buffer
    }

    private static func mediaHeader(_ length: UInt64) -> ByteBuffer {
        var bytes = ByteBuffer()
        if length + 8 <= UInt64(UInt32.max) {
            bytes.writeInteger(UInt32(length + 8))
            bytes.writeStaticString("mdat")
        } else {
            // §4.2.2: size 1, and the size in 64 bits behind the type.
            bytes.writeInteger(UInt32(1))
            bytes.writeStaticString("mdat")
            bytes.writeInteger(length + 16)
        }
        return bytes
    }
}

extension BoxWriter {
    /// `©nam`, whose first letter is no ASCII, with a value in UTF-8.
    fileprivate mutating func box(title: String) {
        let text = Array(title.utf8)
        write(UInt32(clamping: 24 + text.count))
        write([0xA9] + Array("nam".utf8))
        write(UInt32(clamping: 16 + text.count))
        writeLetters("data")
        write(UInt32(1))  // UTF-8
        writeZeros(4)  // locale
        write(text)
    }
}
