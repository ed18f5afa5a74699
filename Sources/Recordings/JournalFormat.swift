// The bytes of a journal: entry behind entry, each with its length and a checksum in front, so that a reader finds where a
// crash has cut the last one off.
//
//   length   UInt32   of the payload
//   CRC-32   UInt32   of the payload (ISO/IEC 3309)
//   payload  a byte that tells the kind, then the fields in the order in which JournalEntry has them; integers big endian,
//            texts and bytes with their length in front

internal import LiveStore
internal import MediaCore
internal import NIOCore

extension JournalEntry {
    /// Larger than any entry that is written: an initialization segment has some hundred bytes.
    private static let longestPayload = 4 << 20

    private enum Kind: UInt8 {
        case opening = 1
        case initialization, segment, part, variant, resumption, end
    }

    // MARK: - Writing

    /// The entry with its frame.
    var bytes: ByteBuffer {
        var payload = ByteBufferAllocator().buffer(capacity: 128)
        write(to: &payload)
        var frame = ByteBufferAllocator().buffer(capacity: payload.readableBytes + 8)
        frame.writeInteger(UInt32(payload.readableBytes))
        frame.writeInteger(CRC32.checksum(payload))
        frame.writeImmutableBuffer(payload)
        return frame
    }

    private func write(to payload: inout ByteBuffer) {
        switch self {
        case .opening(let opening): payload.writeKind(Kind.opening.rawValue, opening, Self.write)
        case .initialization(let initialization):
            payload.writeKind(Kind.initialization.rawValue, initialization, Self.write)
        case .segment(let segment): payload.writeKind(Kind.segment.rawValue, segment, Self.write)
        case .part(let part): payload.writeKind(Kind.part.rawValue, part, Self.write)
        case .variant(let rendition, let text):
            payload.writeInteger(Kind.variant.rawValue)
            payload.writeText(rendition.description)
            payload.writeText(text)
        case .resumption(let cause, let time):
            payload.writeInteger(Kind.resumption.rawValue)
            payload.writeText(cause.rawValue)
            payload.writeInteger(time.milliseconds)
        case .end(let time):
            payload.writeInteger(Kind.end.rawValue)
            payload.writeInteger(time.milliseconds)
        }
    }

    private static func write(_ opening: Opening, to payload: inout ByteBuffer) {
        for text in [opening.id.text, opening.stream.name, opening.tag, opening.source.rawValue] {
            payload.writeText(text)
        }
        for number in [
            opening.startedAt.milliseconds, Int64(opening.targetDuration), opening.partTarget.nanoseconds,
            opening.isEvent ? 1 : 0, Int64(opening.mediaSequenceNumber), Int64(opening.discontinuitySequence),
        ] {
            payload.writeInteger(number)
        }
    }

    private static func write(_ initialization: Initialization, to payload: inout ByteBuffer) {
        payload.writeText(initialization.rendition.description)
        payload.writeInteger(initialization.number)
        payload.writeText(initialization.name)
        payload.writeImmutableBuffer(initialization.body)
    }

    private static func write(_ segment: Segment, to payload: inout ByteBuffer) {
        payload.writeText(segment.rendition.description)
        payload.writeInteger(Int64(segment.mediaSequenceNumber))
        payload.writeInteger(segment.programDateTime.milliseconds)
        payload.writeInteger(segment.initialization)
        payload.writeFlags(segment.isIndependent, segment.isDiscontinuous, segment.statesMap)
    }

    private static func write(_ part: Part, to payload: inout ByteBuffer) {
        payload.writeText(part.rendition.description)
        payload.writeMultipleIntegers(part.file, part.offset, part.length, part.keyframeLength)
        payload.writeMultipleIntegers(part.duration.nanoseconds, part.segmentDuration.nanoseconds)
        payload.writeFlags(part.isIndependent)
        payload.writeInteger(UInt16(clamping: part.dateRanges.count))
        for range in part.dateRanges.prefix(Int(UInt16.max)) {
            payload.writeText(range.id)
            payload.writeText(range.name)
            payload.writeInteger(range.start.milliseconds)
            payload.writeText(range.json ?? "")
        }
    }

    // MARK: - Reading

    /// Reads the next entry with its frame; `nil` where there is no whole one, and then nothing was read.
    static func read(from buffer: inout ByteBuffer) -> JournalEntry? {
        var rest = buffer
        guard let (length, checksum) = rest.readMultipleIntegers(as: (UInt32, UInt32).self), length <= longestPayload,
            var payload = rest.readSlice(length: Int(length)), CRC32.checksum(payload) == checksum,
            let kind = payload.readInteger(as: UInt8.self).flatMap(Kind.init), let entry = read(kind, from: &payload)
        else { return nil }
        buffer = rest
        return entry
    }

    private static func read(_ kind: Kind, from payload: inout ByteBuffer) -> JournalEntry? {
        switch kind {
        case .opening: return readOpening(from: &payload).map(JournalEntry.opening)
        case .initialization: return readInitialization(from: &payload).map(JournalEntry.initialization)
        case .segment: return readSegment(from: &payload).map(JournalEntry.segment)
        case .part: return readPart(from: &payload).map(JournalEntry.part)
        case .variant:
            guard let rendition = payload.readRendition(), let text = payload.readText() else { return nil }
            return .variant(rendition, text)
        case .resumption:
            guard let cause = payload.readText().flatMap(RecordingFacts.Gap.Cause.init), let time = payload.readTime()
            else { return nil }
            return .resumption(cause, at: time)
        case .end: return payload.readTime().map { .end(at: $0) }
        }
    }

    private static func readOpening(from payload: inout ByteBuffer) -> Opening? {
        guard let id = payload.readText().flatMap({ RecordingID($0) }),
            let stream = payload.readText().flatMap({ StreamID($0) }), let tag = payload.readText(),
            let source = payload.readText().flatMap(RecordingFacts.Source.init),
            let (startedAt, targetDuration, partTarget, isEvent, number, discontinuities) =
                payload.readMultipleIntegers(as: (Int64, Int64, Int64, Int64, Int64, Int64).self),
            targetDuration > 0, targetDuration < 1 << 20, number >= 0, discontinuities >= 0
        else { return nil }
        return Opening(
            id: id,
            stream: stream,
            tag: tag,
            startedAt: WallClockTime(milliseconds: startedAt),
            targetDuration: Int(targetDuration),
            partTarget: MediaTime(nanoseconds: partTarget),
            isEvent: isEvent != 0,
            mediaSequenceNumber: Int(number),
            discontinuitySequence: Int(discontinuities),
            source: source
        )
    }

    private static func readInitialization(from payload: inout ByteBuffer) -> Initialization? {
        guard let rendition = payload.readRendition(), let number = payload.readInteger(as: UInt32.self),
            let name = payload.readText()
        else { return nil }
        return Initialization(rendition: rendition, number: number, name: name, body: payload.slice())
    }

    private static func readSegment(from payload: inout ByteBuffer) -> Segment? {
        guard let rendition = payload.readRendition(), let number = payload.readInteger(as: Int64.self),
            let time = payload.readTime(), let initialization = payload.readInteger(as: UInt32.self),
            let flags = payload.readInteger(as: UInt8.self), number >= 0
        else { return nil }
        return Segment(
            rendition: rendition,
            mediaSequenceNumber: Int(number),
            programDateTime: time,
            initialization: initialization,
            isIndependent: flags & 1 != 0,
            isDiscontinuous: flags & 2 != 0,
            statesMap: flags & 4 != 0
        )
    }

    private static func readPart(from payload: inout ByteBuffer) -> Part? {
        guard let rendition = payload.readRendition(),
            let (file, offset, length, keyframe) = payload.readMultipleIntegers(
                as: (UInt32, UInt64, UInt32, UInt32).self
            ),
            let (duration, segmentDuration) = payload.readMultipleIntegers(as: (Int64, Int64).self),
            let flags = payload.readInteger(as: UInt8.self), let count = payload.readInteger(as: UInt16.self)
        else { return nil }
        var dateRanges: [DateRange] = []
        for _ in 0..<count {
            guard let id = payload.readText(), let name = payload.readText(), let start = payload.readTime(),
                let json = payload.readText()
            else { return nil }
            dateRanges.append(DateRange(id: id, name: name, start: start, json: json.isEmpty ? nil : json))
        }
        return Part(
            rendition: rendition,
            file: file,
            offset: offset,
            length: length,
            keyframeLength: keyframe,
            duration: MediaTime(nanoseconds: duration),
            segmentDuration: MediaTime(nanoseconds: segmentDuration),
            isIndependent: flags & 1 != 0,
            dateRanges: dateRanges
        )
    }
}

extension ByteBuffer {
    fileprivate mutating func writeKind<Value>(
        _ kind: UInt8,
        _ value: Value,
        _ write: (Value, inout ByteBuffer) -> Void
    ) {
        writeInteger(kind)
        write(value, &self)
    }

    fileprivate mutating func writeText(_ text: String) {
        writeInteger(UInt32(text.utf8.count))
        writeString(text)
    }

    fileprivate mutating func writeFlags(_ flags: Bool...) {
        writeInteger(flags.enumerated().reduce(0 as UInt8) { $0 | ($1.element ? 1 << $1.offset : 0) })
    }

    fileprivate mutating func readText() -> String? {
        readInteger(as: UInt32.self).flatMap { readString(length: Int($0)) }
    }

    fileprivate mutating func readRendition() -> Rendition.ID? { readText().flatMap { Rendition.ID($0) } }

    fileprivate mutating func readTime() -> WallClockTime? {
        readInteger(as: Int64.self).map(WallClockTime.init(milliseconds:))
    }
}

/// CRC-32 as Ethernet and gzip have it (ISO/IEC 3309; polynomial 0x04C11DB7, reflected).
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 0 ? value >> 1 : value >> 1 ^ 0xEDB8_8320 }
    }

    /// The checksum of some bytes.
    static func checksum(_ bytes: ByteBuffer) -> UInt32 {
        bytes.withUnsafeReadableBytes { bytes in
            ~bytes.reduce(~0 as UInt32) { $0 >> 8 ^ table[Int(($0 ^ UInt32($1)) & 0xFF)] }
        }
    }
}
