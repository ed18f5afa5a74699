internal import MediaCore
internal import NIOCore

/// One track of a progressive file: what describes it, and the tables of its samples.
struct ProgressiveTrack {
    /// The bytes of all sample entries of a track at most; real ones have a few hundred each.
    private static let largestSampleEntries = 1 << 20

    /// Its first initialization segment's description.
    let template: TrackTemplate
    /// Whether it is shown unless somebody chooses another one: further languages are not.
    let isEnabled: Bool
    /// The number of the group whose tracks replace each other; 0 for none.
    let alternateGroup: UInt16
    var tables: TrackTables
    private var sampleEntries: [ByteBuffer]

    init(_ template: TrackTemplate, isEnabled: Bool, alternateGroup: UInt16, _ scratch: ScratchFile) {
        self.template = template
        self.isEnabled = isEnabled
        self.alternateGroup = alternateGroup
        tables = TrackTables(timescale: Int64(template.coding.timescale), scratch)
        sampleEntries = []
    }

    /// The number of a sample entry, counted from 1; it is added unless it is known.
    ///
    /// - Throws: ``FragmentError`` when there are too many.
    mutating func description(_ entry: ByteBuffer) throws(FragmentError) -> UInt32 {
        if let index = sampleEntries.lastIndex(of: entry) { return UInt32(index + 1) }
        let size = sampleEntries.reduce(entry.readableBytes) { $0 + $1.readableBytes }
        guard size <= Self.largestSampleEntries else { throw .unexpected("\(size) bytes of sample entries") }
        sampleEntries.append(entry)
        return UInt32(sampleEntries.count)
    }

    private var timescale: Int64 { Int64(template.coding.timescale) }

    /// What it shows of the fragments' timeline; `nil` for a track without samples.
    var presentation: Range<MediaTime>? {
        guard tables.count > 0, tables.presentationStart < tables.presentationEnd else { return nil }
        let start = MediaTime(ticks: tables.presentationStart, timescale: timescale)
        return start..<max(start, MediaTime(ticks: tables.presentationEnd, timescale: timescale))
    }

    /// What of it is shown when.
    func edits(showing window: Range<MediaTime>) -> EditList {
        EditList(tables, timescale: timescale, showing: window)
    }

    // MARK: - Boxes

    /// The box `trak` (ISO/IEC 14496-12 §8.3).
    ///
    /// - Parameters:
    ///   - id: its track_ID.
    ///   - edits: what of it is shown when.
    ///   - createdAt: creation_time, in seconds since 1904.
    ///   - form: how offsets of chunks are written.
    ///   - base: where the media begins in the file.
    /// - Returns: the box.
    func box(id: UInt32, _ edits: EditList, createdAt: UInt64, _ form: BoxTree.OffsetForm, base: UInt64) -> BoxTree {
        .box(
            "trak",
            [
                .bytes(header(id: id, duration: UInt64(clamping: edits.duration), createdAt: createdAt)),
                .bytes(edits.box),
                .box(
                    "mdia",
                    [
                        .bytes(mediaHeader(createdAt: createdAt)),
                        .bytes(template.handlerBox),
                        .box(
                            "minf",
                            [
                                .bytes(template.mediaHeaderBox), .bytes(template.dataInformationBox),
                                .box("stbl", sampleTable(form, base: base)),
                            ]
                        ),
                    ]
                ),
            ]
        )
    }

    private func header(id: UInt32, duration: UInt64, createdAt: UInt64) -> ByteBuffer {
        var writer = BoxWriter(capacity: 128)
        // Flags: enabled, in the movie, in its preview (§8.3.2.3).
        writer.timedBox("tkhd", flags: isEnabled ? 0b111 : 0b110, createdAt: createdAt, duration: duration) {
            $0.write(id)
            $0.writeZeros(4)
        } _: {
            $0.writeZeros(10)  // reserved, layer
            $0.write(alternateGroup)
            $0.write(template.volume)
            $0.writeZeros(2)
            $0.write(template.matrix)
            $0.write(template.width)
            $0.write(template.height)
        }
        return writer.buffer
    }

    private func mediaHeader(createdAt: UInt64) -> ByteBuffer {
        var writer = BoxWriter(capacity: 64)
        writer.timedBox("mdhd", createdAt: createdAt, duration: UInt64(clamping: tables.duration)) {
            $0.write(template.coding.timescale)
        } _: {
            $0.write(template.language)
            $0.writeZeros(2)
        }
        return writer.buffer
    }

    private func sampleTable(_ form: BoxTree.OffsetForm, base: UInt64) -> [BoxTree] {
        var boxes: [BoxTree] = [.bytes(sampleDescriptions), .list("stts", tables.durations.table)]
        if tables.hasCompositionOffsets {
            boxes.append(.list("ctts", version: tables.hasNegativeOffsets ? 1 : 0, tables.compositionOffsets.table))
        }
        // Without the table every sample is a sync sample (§8.6.2.1).
        if tables.syncCount < tables.count { boxes.append(.list("stss", tables.syncSamples)) }
        boxes += [
            .list("stsc", tables.samplesToChunk),
            // sample_size 0: they differ.
            .table("stsz", fields: [0, UInt32(clamping: tables.sizes.count)], tables.sizes),
            .offsets(tables.chunkOffsets, form, base: base),
        ]
        return boxes
    }

    private var sampleDescriptions: ByteBuffer {
        var writer = BoxWriter(capacity: 512)
        writer.fullBox("stsd") { box in
            box.write(UInt32(sampleEntries.count))
            for entry in sampleEntries { box.write(entry) }
        }
        return writer.buffer
    }
}

extension BoxTree {
    /// A box of a table's number of entries and the entries.
    fileprivate static func list(_ type: StaticString, version: UInt8 = 0, _ table: SampleTable) -> BoxTree {
        .table(type, version: version, fields: [UInt32(clamping: table.count)], table)
    }
}

extension BoxWriter {
    /// Writes a box with creation_time, modification_time and a duration, in 64 bits where one of them needs these.
    ///
    /// - Parameters:
    ///   - type: the box's type.
    ///   - flags: its flags.
    ///   - createdAt: both times, in seconds since 1904.
    ///   - duration: the duration.
    ///   - fields: writes the fields in front of the duration.
    ///   - rest: writes those behind it.
    mutating func timedBox(
        _ type: StaticString,
        flags: UInt32 = 0,
        createdAt: UInt64,
        duration: UInt64,
        _ fields: (inout BoxWriter) -> Void,
        _ rest: (inout BoxWriter) -> Void
    ) {
        // All ones in 32 bits would say that the duration is unknown.
        let isLong = max(createdAt, duration) >= UInt32.max
        func write(_ value: UInt64, to box: inout BoxWriter) {
            if isLong { box.write(value) } else { box.write(UInt32(clamping: value)) }
        }
        fullBox(type, version: isLong ? 1 : 0, flags: flags) { box in
            write(createdAt, to: &box)
            write(createdAt, to: &box)
            fields(&box)
            write(duration, to: &box)
            rest(&box)
        }
    }
}
