internal import MediaCore
internal import NIOCore

/// Which member of a group gives the live its sound: the first that sends any, until it goes away or falls silent.
///
/// The newest sound of the others is held, so that the next one goes on where the last one stopped.
struct SoundChoice {
    /// How much sound of another member must have come since the chosen one last sent any.
    ///
    /// Less than what the segmenter takes for a failing track: no silence is put in before the next member takes over.
    static let patience = MediaTime.milliseconds(700)
    /// How many access units are held of a member: a second has fewer of any codec.
    private static let maximumHeldUnits = 512
    /// How many bytes are held of a member: a second at 32 Mb/s.
    private static let maximumHeldBytes = 4 << 20

    /// The member whose sound the live has.
    private(set) var member: Int?
    /// When its newest sound is decoded, on the group's clock.
    private var newest: MediaTime?
    /// The sound of the others since then.
    private var held: [Int: [AccessUnit]] = [:]

    /// What becomes of sound.
    enum Decision {
        /// It is the chosen member's.
        case take
        /// The member is chosen from now on, and the live goes on with what is held of it.
        case change([AccessUnit])
        /// It is another member's.
        case leave
    }

    /// Takes sound of a member, placed on the group's clock.
    mutating func receive(_ unit: AccessUnit, from number: Int) -> Decision {
        guard let member else { return choose(number, with: [unit]) }
        if member == number {
            newest = max(newest ?? unit.decodeTime, unit.decodeTime)
            return .take
        }
        hold(unit, of: number)
        guard let newest, let units = held[number], let last = units.last else { return .leave }
        guard last.decodeTime - newest >= Self.patience else { return .leave }
        return choose(number, with: held.removeValue(forKey: number) ?? [])
    }

    /// Forgets a member.
    ///
    /// - Returns: the member that takes its place with what is held of it, when it was the chosen one and there is another.
    mutating func leave(_ number: Int) -> (member: Int, units: [AccessUnit])? {
        held[number] = nil
        guard member == number else { return nil }
        member = nil
        prune()
        guard let next = held.keys.min(), let units = held.removeValue(forKey: next) else { return nil }
        _ = choose(next, with: units)
        return (next, units)
    }

    private mutating func choose(_ number: Int, with units: [AccessUnit]) -> Decision {
        member = number
        newest = units.map(\.decodeTime).max() ?? newest
        held[number] = nil
        return .change(units)
    }

    private mutating func hold(_ unit: AccessUnit, of number: Int) {
        held[number, default: []].append(unit)
        prune(number)
    }

    private mutating func prune() { for number in held.keys { prune(number) } }

    /// Forgets what the live has had from the chosen member.
    private mutating func prune(_ number: Int) {
        guard var units = held.removeValue(forKey: number) else { return }
        units.removeAll { unit in newest.map { unit.decodeTime <= $0 } ?? false }
        var bytes = units.reduce(0) { $0 + $1.payload.readableBytes }
        while let first = units.first, units.count > Self.maximumHeldUnits || bytes > Self.maximumHeldBytes {
            bytes -= first.payload.readableBytes
            units.removeFirst()
        }
        if !units.isEmpty { held[number] = units }
    }
}
