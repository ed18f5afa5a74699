public import MediaCore

/// The endings of names by which several publishes tell that they are the variants of one live: with `_1080` and `_720`,
/// the publishes `main_1080` and `main_720` are variants of the live `main`.
public struct LadderEndings: Sendable {
    /// How many endings there may be: as many variants as Apple's authoring specification lists for one codec.
    public static let maximumCount = 9

    /// The endings, the best variant's first.
    public let endings: [String]

    /// Takes a list of endings that are separated by commas.
    ///
    /// Each begins with `_`, `-` or `.`, so that `room1` is never a variant of `room`, and has characters of names only.
    ///
    /// - Returns: `nil` for a list that has another ending, one twice, none or too many.
    public init?(_ list: some StringProtocol) {
        let endings = list.split(separator: ",", omittingEmptySubsequences: false).map { ending in
            String(ending.drop { $0 == " " })
        }
        // A name of one letter more must be possible.
        let areEndings = endings.allSatisfy { ending in
            ["_", "-", "."].contains { ending.hasPrefix($0) } && ending.utf8.count > 1 && StreamID("a\(ending)") != nil
        }
        guard areEndings, endings.count <= Self.maximumCount, Set(endings).count == endings.count else { return nil }
        self.endings = endings
    }

    /// What a publish is to the live that it is a variant of.
    struct Membership: Hashable {
        /// The live's name.
        let live: StreamID
        /// The place of the name's ending in the list; the number of endings for the live's own name.
        let place: Int
    }

    /// The live that a publish is a variant of; its own when it is none.
    public func live(of id: StreamID) -> StreamID { membership(of: id).live }

    /// Finds the live that a publish belongs to: the longest ending counts.
    func membership(of id: StreamID) -> Membership {
        let fitting = endings.enumerated().filter { id.name.hasSuffix($0.element) }
        let longest = fitting.max { $0.element.utf8.count < $1.element.utf8.count }
        if let longest, let live = StreamID(id.name.dropLast(longest.element.count)) {
            return Membership(live: live, place: longest.offset)
        }
        return Membership(live: id, place: endings.count)
    }
}
