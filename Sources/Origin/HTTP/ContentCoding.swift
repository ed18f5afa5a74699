import NIOHTTP1

/// A content coding that this server can send (RFC 9110 §8.4.1).
enum ContentCoding: Hashable, Sendable {
    /// The bytes as they are.
    case identity
    /// The gzip format (RFC 1952).
    case gzip

    /// The coding to answer with, given a request's Accept-Encoding fields (RFC 9110 §12.5.3).
    ///
    /// gzip is sent whenever it is acceptable at all: the clients that prefer identity to it say so with `gzip;q=0`.
    /// Identity is sent even to a client that excludes it, because an answer serves it better than a 406.
    static func preferred(by headers: HTTPHeaders) -> ContentCoding {
        var gzipQuality: Int?
        var anyQuality: Int?
        for (name, value) in headers where name.isEqual(ignoringCaseOf: "accept-encoding") {
            for element in value.utf8.split(separator: UInt8(ascii: ",")) {
                let (coding, quality) = parse(element)
                if coding.isEqual(ignoringCaseOf: "gzip") || coding.isEqual(ignoringCaseOf: "x-gzip") {
                    gzipQuality = max(gzipQuality ?? 0, quality)
                } else if coding == "*" {
                    anyQuality = quality
                }
            }
        }
        return (gzipQuality ?? anyQuality ?? 0) > 0 ? .gzip : .identity
    }

    /// One element of the list, with its weight in thousandths; a malformed weight counts as none given.
    private static func parse(_ element: Substring.UTF8View) -> (coding: Substring, thousandths: Int) {
        let parts = Substring(element).split(separator: ";", omittingEmptySubsequences: false)
        let coding = parts.first.map(trimmed) ?? ""
        for parameter in parts.dropFirst() {
            let parameter = trimmed(parameter)
            guard parameter.utf8.starts(with: "q=".utf8) || parameter.utf8.starts(with: "Q=".utf8) else { continue }
            return (coding, thousandths(parameter.dropFirst(2)) ?? 1000)
        }
        return (coding, 1000)
    }

    /// A qvalue (RFC 9110 §12.4.2): `0` or `1` with at most three decimals.
    private static func thousandths(_ text: Substring) -> Int? {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first, whole == "0" || whole == "1" else { return nil }
        let decimals = parts.count == 2 ? parts[1] : ""
        guard decimals.utf8.count <= 3, decimals.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        let padded = decimals + String(repeating: "0", count: 3 - decimals.utf8.count)
        guard let fraction = Int(padded) else { return nil }
        return min(1000, (whole == "1" ? 1000 : 0) + fraction)
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let isSpace: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        let bytes = text.utf8.drop(while: isSpace)
        guard let last = bytes.lastIndex(where: { !isSpace($0) }) else { return "" }
        return Substring(bytes[...last])
    }
}

extension StringProtocol {
    /// Whether two ASCII strings are the same but for the case of their letters.
    func isEqual(ignoringCaseOf other: String) -> Bool {
        utf8.count == other.utf8.count
            && zip(utf8, other.utf8).allSatisfy { left, right in lowercased(left) == lowercased(right) }
    }

    private func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}
