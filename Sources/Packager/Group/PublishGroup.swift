// Several publishes of one live. Each member runs on the event loop of its connection, the live on one of its own choosing:
//
//   member's loop                         group's loop
//   GroupMemberSink -> GroupInbox  --hop--> GroupLive (GroupMix -> LivePackager)
//
// All that concerns a live of a group happens on the group's loop in the order in which it was put there: a member that
// comes back is behind the end of its former self, and the live that a last member ended is over before the next begins. So
// there is one writer for a live. A hop takes along all that has gathered since the last one.

internal import Logging
internal import MediaCore
internal import NIOCore

/// The publishes of one live, seen from any thread.
final class PublishGroup: Sendable {
    /// Where the live is made.
    let eventLoop: any EventLoop
    private let live: NIOLoopBoundBox<GroupLive?>
    private let makeLive: @Sendable () -> GroupLive

    /// A group whose live begins with its first member.
    init(on eventLoop: any EventLoop, _ makeLive: @escaping @Sendable () -> GroupLive) {
        self.eventLoop = eventLoop
        self.makeLive = makeLive
        live = .makeEmptyBox(valueType: GroupLive.self, eventLoop: eventLoop)
    }

    /// Takes a member in.
    func begin(_ place: Int) {
        eventLoop.execute {
            let live = self.live.value ?? self.makeLive()
            self.live.value = live
            live.begin(place)
        }
    }

    /// Takes what is in a member's inbox.
    ///
    /// - Parameters:
    ///   - inbox: the inbox.
    ///   - place: the member's place.
    ///   - left: called on the group's loop when that was the member's end and all is done.
    func look(into inbox: GroupInbox, of place: Int, left: @escaping @Sendable () -> Void) {
        eventLoop.execute {
            let delivery = inbox.take()
            self.live.value?.take(delivery, from: place)
            guard delivery.end != nil else { return }
            if self.live.value?.isOver == true { self.live.value = nil }
            left()
        }
    }
}

/// The live of a group from its first member's beginning to its last member's end.
///
/// Bound to the group's loop.
final class GroupLive {
    private let packager: LivePackager
    private var mix: GroupMix
    private let endings: LadderEndings
    private let clock: PackagerClock
    private let logger: Logger
    private var hasToldOfRefusal = false

    /// A live without members.
    ///
    /// - Parameters:
    ///   - packager: takes the live's media.
    ///   - endings: the places of the members.
    ///   - isLedByOwnName: whether the publish of the live's own name begins it.
    ///   - clock: tells when access units arrive.
    ///   - logger: the live's.
    init(
        _ packager: LivePackager,
        _ endings: LadderEndings,
        isLedByOwnName: Bool,
        clock: PackagerClock,
        logger: Logger
    ) {
        self.packager = packager
        self.endings = endings
        self.clock = clock
        self.logger = logger
        mix = GroupMix(GroupNumbering(endingCount: endings.endings.count, isLedByOwnName: isLedByOwnName))
    }

    /// Whether the last member has gone, and the live with it.
    var isOver: Bool { mix.isEmpty }

    /// Takes a member in.
    func begin(_ place: Int) {
        mix.begin(place)
        logger.info("variant joined", metadata: ["variant": "\(name(place))"])
    }

    /// Takes what a member has sent.
    func take(_ delivery: GroupInbox.Delivery, from place: Int) {
        if delivery.droppedUnits > 0 {
            logger.warning(
                "media of a variant dropped: the server is too slow",
                metadata: ["variant": "\(name(place))", "dropped_units": "\(delivery.droppedUnits)"]
            )
        }
        let moment = clock.monotonic()
        for item in delivery.items {
            switch item {
            case .configure(let track): perform(mix.configure(track, of: place))
            case .unit(let unit): perform(mix.receive(unit, from: place, at: moment))
            case .metadata(let metadata): perform(mix.receive(metadata, from: place))
            }
        }
        if let end = delivery.end { finish(end, of: place) }
    }

    private func finish(_ end: PublishEnd, of place: Int) {
        perform(mix.end(place))
        logger.info("variant left", metadata: ["variant": "\(name(place))"])
        // The live ends as its last member does.
        if mix.isEmpty { packager.finish(end) }
    }

    private func perform(_ outputs: [GroupMix.Output]) {
        for output in outputs {
            switch output {
            case .configure(let track): packager.configure(track)
            case .unit(let unit): packager.receive(unit)
            case .metadata(let metadata): packager.receive(metadata)
            case .leave(let id): packager.leave(id)
            case .refused: tellOfRefusal()
            }
        }
    }

    private func tellOfRefusal() {
        guard !hasToldOfRefusal else { return }
        hasToldOfRefusal = true
        logger.warning("a track of a variant is left out: its number is too high")
    }

    private func name(_ place: Int) -> String {
        endings.endings.indices.contains(place) ? endings.endings[place] : "(the live's own name)"
    }
}
