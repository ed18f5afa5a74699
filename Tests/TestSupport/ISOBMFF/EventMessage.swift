/// An `emsg` of version 1 (ISO/IEC 23009-1 §5.10.3.3).
public struct EventMessage: Hashable, Sendable {
    /// When, on the presentation's timeline, in seconds.
    public let time: Double
    /// Its number.
    public let id: UInt32
    /// scheme_id_uri.
    public let scheme: String
    /// value.
    public let value: String
    /// message_data.
    public let data: [UInt8]

    init(_ box: BoxCursor) throws(ISOBMFFError) {
        var box = box
        _ = try box.fullBox(versions: 1...1)
        let timescale = try box.u32()
        guard timescale > 0 else { throw box.fail("timescale 0") }
        time = Double(try box.u64()) / Double(timescale)
        _ = try box.u32()
        id = try box.u32()
        scheme = try Self.text(&box)
        value = try Self.text(&box)
        data = try box.bytes(box.remaining)
    }

    private static func text(_ box: inout BoxCursor) throws(ISOBMFFError) -> String {
        var bytes: [UInt8] = []
        while case let byte = try box.u8(), byte != 0 { bytes.append(byte) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The user-defined texts of an ID3v2.4 tag: description and text of each TXXX frame.
    ///
    /// - Throws: ``ISOBMFFError`` when the data is no such tag.
    public func userTexts() throws(ISOBMFFError) -> [(description: String, text: String)] {
        func fail(_ problem: String) -> ISOBMFFError { ISOBMFFError(offset: 0, problem: "ID3: \(problem)") }
        func size(at index: Int) throws(ISOBMFFError) -> Int {
            let bytes = data[index..<index + 4]
            guard bytes.allSatisfy({ $0 < 0x80 }) else { throw fail("a size that is not synchsafe") }
            return bytes.reduce(0) { $0 << 7 | Int($1) }
        }
        guard data.count >= 10, data.prefix(6).elementsEqual([0x49, 0x44, 0x33, 4, 0, 0]) else { throw fail("no tag") }
        guard try size(at: 6) == data.count - 10 else { throw fail("size \(try size(at: 6)) of \(data.count - 10)") }
        var texts: [(String, String)] = []
        var position = 10
        while position < data.count {
            guard data.count - position > 11 else { throw fail("a frame cut off") }
            let name = String(decoding: data[position..<position + 4], as: UTF8.self)
            let end = position + 10 + (try size(at: position + 4))
            guard name == "TXXX", end <= data.count, data[position + 10] == 3 else { throw fail("frame \(name)") }
            let parts = data[(position + 11)..<end].split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { throw fail("a text without an end of its description") }
            texts.append((String(decoding: parts[0], as: UTF8.self), String(decoding: parts[1], as: UTF8.self)))
            position = end
        }
        return texts
    }
}
