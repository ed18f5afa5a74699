/// Something that an encoder said at a moment of its stream: a cue point, a line of text, a caption, a time code.
public struct TimedMetadata: Hashable, Sendable {
    /// The longest ``json`` that is kept, in bytes: a caption or a cue point has some hundred.
    public static let maximumLength = 16 << 10

    /// What it is, in the encoder's word: `onTextData`, `onCuePoint`, `onFI`.
    public let name: String
    /// When, on the publisher's clock, as ``AccessUnit/decodeTime`` has it.
    public let time: MediaTime
    /// Its values as a JSON text: the value itself when there is one, an array when there are several.
    public let json: String

    /// Something said at a moment.
    public init(name: String, time: MediaTime, json: String) {
        self.name = name
        self.time = time
        self.json = json
    }
}
