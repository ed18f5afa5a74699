/// What is wrong with an ISO base media file, and where.
public struct ISOBMFFError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The position in the file, in bytes, of the thing that is wrong.
    public let offset: Int
    /// The problem in words.
    public let problem: String

    /// The problem with its position.
    public var description: String { "byte \(offset): \(problem)" }
}

/// One box (ISO/IEC 14496-12 §4.2): its type and where its payload lies in the file.
struct Box {
    let type: String
    let start: Int
    let payload: Range<Int>

    var end: Int { payload.upperBound }
}

/// Reads big-endian fields from a range of a file and refuses to leave it.
struct BoxCursor {
    let bytes: [UInt8]
    private(set) var position: Int
    let end: Int
    private let context: String

    init(_ bytes: [UInt8], _ range: Range<Int>, context: String) {
        self.bytes = bytes
        self.context = context
        position = range.lowerBound
        end = range.upperBound
    }

    init(_ bytes: [UInt8], _ box: Box) {
        self.init(bytes, box.payload, context: box.type)
    }

    var remaining: Int { end - position }

    func fail(_ problem: String) -> ISOBMFFError {
        ISOBMFFError(offset: position, problem: "\(context): \(problem)")
    }

    mutating func take(_ count: Int) throws(ISOBMFFError) -> Range<Int> {
        guard count >= 0, count <= remaining else {
            throw fail("needs \(count) more bytes, has \(remaining)")
        }
        defer { position += count }
        return position..<position + count
    }

    mutating func bytes(_ count: Int) throws(ISOBMFFError) -> [UInt8] { Array(bytes[try take(count)]) }

    mutating func unsigned(_ size: Int) throws(ISOBMFFError) -> UInt64 {
        bytes[try take(size)].reduce(0) { $0 << 8 | UInt64($1) }
    }

    mutating func u8() throws(ISOBMFFError) -> UInt8 { UInt8(try unsigned(1)) }
    mutating func u16() throws(ISOBMFFError) -> UInt16 { UInt16(try unsigned(2)) }
    mutating func u32() throws(ISOBMFFError) -> UInt32 { UInt32(try unsigned(4)) }
    mutating func i32() throws(ISOBMFFError) -> Int32 { Int32(bitPattern: try u32()) }
    mutating func u64() throws(ISOBMFFError) -> UInt64 { try unsigned(8) }

    mutating func fourCC() throws(ISOBMFFError) -> String {
        let code = try bytes(4)
        guard code.allSatisfy({ (0x20...0x7E).contains($0) }) else { throw fail("four-character code \(code)") }
        return String(decoding: code, as: UTF8.self)
    }

    /// Reads fields that the standard fixes to zero.
    mutating func zeros(_ count: Int) throws(ISOBMFFError) {
        let reserved = try bytes(count)
        guard reserved.allSatisfy({ $0 == 0 }) else { throw fail("reserved bytes are \(reserved), expected zeros") }
    }

    /// The version and flags of a full box.
    mutating func fullBox(versions: ClosedRange<UInt8>) throws(ISOBMFFError) -> (version: UInt8, flags: UInt32) {
        let word = try u32()
        let version = UInt8(word >> 24)
        guard versions.contains(version) else { throw fail("version \(version), expected \(versions)") }
        return (version, word & 0xFF_FFFF)
    }

    func expectEnd() throws(ISOBMFFError) {
        guard remaining == 0 else { throw fail("\(remaining) bytes too many at its end") }
    }

    /// Reads the next box, which must end within this range.
    mutating func box() throws(ISOBMFFError) -> Box {
        let start = position
        var size = UInt64(try u32())
        let type = try fourCC()
        if size == 1 { size = try u64() }
        guard size != 0 else { throw fail("\(type) is open-ended, which a segment's box must not be") }
        guard size >= UInt64(position - start) else { throw fail("\(type) of \(size) bytes is smaller than its head") }
        guard let length = Int(exactly: size), length <= end - start else {
            throw fail("\(type) of \(size) bytes leaves its parent, which has \(end - start)")
        }
        let payload = position..<start + length
        position = payload.upperBound
        return Box(type: type, start: start, payload: payload)
    }

    /// Reads boxes up to the end of this range, which they must fill exactly.
    mutating func boxes() throws(ISOBMFFError) -> [Box] {
        var boxes: [Box] = []
        while remaining > 0 { boxes.append(try box()) }
        return boxes
    }
}

/// The child boxes of one parent, by type.
struct Children {
    let bytes: [UInt8]
    let parent: Box
    let boxes: [Box]

    init(_ bytes: [UInt8], of parent: Box) throws(ISOBMFFError) {
        var cursor = BoxCursor(bytes, parent)
        self.init(bytes, of: parent, try cursor.boxes())
    }

    init(_ bytes: [UInt8], of parent: Box, _ boxes: [Box]) {
        self.bytes = bytes
        self.parent = parent
        self.boxes = boxes
    }

    func all(_ type: String) -> [Box] { boxes.filter { $0.type == type } }

    func optional(_ type: String) throws(ISOBMFFError) -> Box? {
        let found = all(type)
        guard found.count < 2 else { throw fail("\(found.count) boxes \(type), allowed 1") }
        return found.first
    }

    func required(_ type: String) throws(ISOBMFFError) -> Box {
        guard let box = try optional(type) else { throw fail("\(type) is missing") }
        return box
    }

    func cursor(_ type: String) throws(ISOBMFFError) -> BoxCursor { BoxCursor(bytes, try required(type)) }

    func children(_ type: String) throws(ISOBMFFError) -> Children { try Children(bytes, of: try required(type)) }

    /// Refuses boxes that are neither named here nor free space.
    func allow(_ types: Set<String>) throws(ISOBMFFError) {
        let anywhere: Set = ["free", "skip", "udta", "meta", "uuid"]
        for box in boxes where !types.contains(box.type) && !anywhere.contains(box.type) {
            throw ISOBMFFError(offset: box.start, problem: "\(box.type) inside \(parent.type)")
        }
    }

    func fail(_ problem: String) -> ISOBMFFError {
        ISOBMFFError(offset: parent.start, problem: "\(parent.type): \(problem)")
    }
}
