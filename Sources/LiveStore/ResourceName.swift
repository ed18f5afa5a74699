/// The name of an initialization segment, a segment or a part within its live: what follows the last slash of its path.
///
/// ```
/// TAG-init-12.mp4    the initialization segment that segment 12 was the first to need
/// TAG-12.m4s         segment 12
/// TAG-12.3.m4s       its fourth part
/// TAG-v1-12.m4s      segment 12 of the rendition with video track 1 alone; m is video with sound, a is audio
/// ```
///
/// Names are given before what they name is there: EXT-X-PRELOAD-HINT tells that of the next part.
public struct ResourceName: Hashable, Sendable {
    /// What it names, by Media Sequence Number.
    public enum Item: Hashable, Sendable {
        /// What EXT-X-MAP names, by the number of the first segment that needs it.
        case initialization(Int)
        /// A whole segment.
        case segment(Int)
        /// A part of a segment, counted from 0.
        case part(Int, index: Int)
    }

    /// The rendition it belongs to; `nil` for the primary tracks together.
    public let rendition: Rendition.ID?
    /// What it is.
    public let item: Item

    /// The name of something in a rendition.
    public init(_ item: Item, of rendition: Rendition.ID?) {
        self.item = item
        self.rendition = rendition
    }

    /// The name without its extension, which sets it apart from all others that a live with this tag ever has.
    public func stem(tag: String) -> String {
        let form = rendition.map { "-\($0)" } ?? ""
        return switch item {
        case .initialization(let number): "\(tag)\(form)-init-\(number)"
        case .segment(let number): "\(tag)\(form)-\(number)"
        case .part(let number, let index): "\(tag)\(form)-\(number).\(index)"
        }
    }

    /// The name as playlists have it.
    public func text(tag: String) -> String {
        if case .initialization = item { return stem(tag: tag) + ".mp4" }
        return stem(tag: tag) + ".m4s"
    }

    /// Reads a name; `nil` when no resource of that live can be called so.
    ///
    /// - Parameters:
    ///   - text: the name as a reader asks for it.
    ///   - tag: the tag of the live that it is asked of.
    public init?(_ text: String, tag: String) {
        var rest = Substring(text)
        guard rest.hasPrefix(tag) else { return nil }
        rest = rest.dropFirst(tag.count)
        let fields = rest.split(separator: "-", omittingEmptySubsequences: false)
        guard fields.first?.isEmpty == true, (2...4).contains(fields.count) else { return nil }
        var remaining = fields.dropFirst()
        rendition = remaining.first.flatMap { Rendition.ID(field: $0) }
        if rendition != nil { remaining = remaining.dropFirst() }
        let isInitialization = remaining.first == "init"
        if isInitialization { remaining = remaining.dropFirst() }
        guard remaining.count == 1, let last = remaining.first else { return nil }
        let numbers = last.split(separator: ".", omittingEmptySubsequences: false)
        guard let number = numbers.first.flatMap(Self.number) else { return nil }
        switch (numbers.count, isInitialization, numbers.last) {
        case (2, true, "mp4"): item = .initialization(number)
        case (2, false, "m4s"): item = .segment(number)
        case (3, false, "m4s"):
            guard let index = Self.number(numbers[1]) else { return nil }
            item = .part(number, index: index)
        default: return nil
        }
    }

    /// Only the one spelling that we write ourselves.
    private static func number(_ digits: Substring) -> Int? {
        guard let number = Int(digits), number >= 0, String(number) == digits else { return nil }
        return number
    }
}

extension Rendition.ID: CustomStringConvertible {
    /// Its part of resource names: a letter and the track's number.
    public var description: String { "\(form.letter)\(index)" }

    /// Reads what ``description`` wrote; `nil` for anything else.
    public init?(_ text: some StringProtocol) {
        self.init(field: Substring(text))
    }

    fileprivate init?(field: Substring) {
        guard let form = field.first.flatMap(Rendition.Form.init), let index = UInt8(field.dropFirst()),
            String(index) == field.dropFirst()
        else { return nil }
        self.init(form, index: index)
    }
}

extension Rendition.Form {
    fileprivate var letter: Character {
        switch self {
        case .muxed: "m"
        case .video: "v"
        case .audio: "a"
        }
    }

    fileprivate init?(_ letter: Character) {
        switch letter {
        case "m": self = .muxed
        case "v": self = .video
        case "a": self = .audio
        default: return nil
        }
    }
}
