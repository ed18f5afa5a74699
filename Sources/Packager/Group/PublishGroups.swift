internal import MediaCore
internal import NIOCore
internal import Synchronization

/// The groups of publishes that are open, by the names of their lives.
final class PublishGroups: Sendable {
    private struct Entry {
        let group: PublishGroup
        var memberCount: Int
    }

    private let endings: LadderEndings
    private let eventLoops: any EventLoopGroup
    private let opening: LiveOpening
    private let entries = Mutex<[StreamID: Entry]>([:])

    init(_ endings: LadderEndings, on eventLoops: any EventLoopGroup, _ opening: LiveOpening) {
        self.endings = endings
        self.eventLoops = eventLoops
        self.opening = opening
    }

    /// Begins a publish in the group of its live.
    func beginPublish(_ id: StreamID) -> any AccessUnitSink {
        let membership = endings.membership(of: id)
        let group = entries.withLock { entries in
            var entry = entries[membership.live] ?? Entry(group: makeGroup(for: membership), memberCount: 0)
            entry.memberCount += 1
            entries[membership.live] = entry
            return entry.group
        }
        group.begin(membership.place)
        return GroupMemberSink(group, place: membership.place) { self.left(membership.live) }
    }

    /// How many there are.
    var count: Int { entries.withLock { $0.count } }

    /// Waits until all that members have sent so far, their ends as well, has become of the lives what it becomes.
    func settle() async {
        for group in entries.withLock({ $0.values.map(\.group) }) {
            try? await group.eventLoop.submit {}.get()
        }
    }

    private func makeGroup(for membership: LadderEndings.Membership) -> PublishGroup {
        let isLedByOwnName = membership.place == endings.endings.count
        return PublishGroup(on: eventLoops.next()) { [endings, opening] in
            GroupLive(
                opening.packager(for: membership.live),
                endings,
                isLedByOwnName: isLedByOwnName,
                clock: opening.clock,
                logger: opening.logger(for: membership.live)
            )
        }
    }

    /// Forgets a group with its last member, whose end is then done.
    private func left(_ live: StreamID) {
        entries.withLock { entries in
            guard var entry = entries[live] else { return }
            entry.memberCount -= 1
            entries[live] = entry.memberCount > 0 ? entry : nil
        }
    }
}

/// The sink of one publish of a group: carries what it takes to the group's loop.
final class GroupMemberSink: AccessUnitSink {
    private let group: PublishGroup
    private let place: Int
    private let left: @Sendable () -> Void
    private let inbox = GroupInbox()

    init(_ group: PublishGroup, place: Int, left: @escaping @Sendable () -> Void) {
        self.group = group
        self.place = place
        self.left = left
    }

    func configure(_ track: Track) { tell(inbox.append(.configure(track))) }

    func receive(_ unit: AccessUnit) { tell(inbox.append(.unit(unit))) }

    func receive(_ metadata: TimedMetadata) { tell(inbox.append(.metadata(metadata))) }

    func finish(_ end: PublishEnd) { tell(inbox.end(end)) }

    private func tell(_ isNeeded: Bool) {
        if isNeeded { group.look(into: inbox, of: place, left: left) }
    }
}
