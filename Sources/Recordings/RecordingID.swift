/// What a recording is called in paths: the `ID` of `/vod/ID/index.m3u8`.
///
/// 20 lower-case letters and digits. As many are not guessed, so a recording that nobody links to is not found.
public struct RecordingID: Hashable, Sendable, CustomStringConvertible {
    /// How many characters it has.
    public static let length = 20
    private static let alphabet = Array("abcdefghijkmnpqrstuvwxyz23456789".utf8)

    /// The identifier.
    public let text: String

    /// The identifier.
    public var description: String { text }

    /// Reads an identifier; `nil` for what can be none.
    public init?(_ text: some StringProtocol) {
        let bytes = text.utf8
        guard bytes.count == Self.length, bytes.allSatisfy(Self.isAllowed) else { return nil }
        self.text = String(text)
    }

    /// A new identifier, of 100 random bits.
    ///
    /// - Parameter randomBytes: gives so many random bytes, of a source that cannot be foretold.
    public init(randomBytes: (Int) -> [UInt8]) {
        text = String(decoding: randomBytes(Self.length).map { Self.alphabet[Int($0) & 31] }, as: UTF8.self)
    }

    private static func isAllowed(_ byte: UInt8) -> Bool { alphabet.contains(byte) }
}

extension RecordingID: Codable {
    /// Reads the identifier from a string.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let id = RecordingID(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no identifier: \(text)")
        }
        self = id
    }

    /// Writes the identifier as a string.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
