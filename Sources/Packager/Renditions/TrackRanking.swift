internal import MediaCore

/// Which of several tracks of a kind is the primary one: the lowest-numbered that delivers.
///
/// What encoders say of their tracks is not believed; what arrives counts. Once chosen, a primary track stays until it
/// fails for long, also when a lower-numbered one begins later: a change costs every viewer a discontinuity.
///
/// Downstream of here the primary track of a kind always has the number 0. A track that is the primary one instead of 0
/// has swapped numbers with it.
struct TrackRanking {
    /// How much media a track other than 0 must have sent at the start before it is the primary one.
    static let patience = MediaTime.milliseconds(1000)
    /// How much media another track must have sent since the primary one last did before it takes its place.
    static let longestFailure = MediaTime.milliseconds(3000)
    /// The same for a primary track that is known to have gone: only so much that the lowest-numbered of the others has sent
    /// some.
    static let farewell = MediaTime.milliseconds(100)

    /// What an access unit's track is to the live.
    enum Role {
        /// The primary one of its kind.
        case primary
        /// The primary one of its kind from now on; with the numbers that stand for other tracks downstream from now on.
        case elected(reassigned: [TrackID])
        /// Another one than the primary.
        case further
        /// No track of its kind is the primary one yet.
        case waiting
    }

    private var video = KindRanking()
    private var audio = KindRanking()

    /// Takes note of an access unit.
    mutating func receive(_ id: TrackID, at time: MediaTime) -> Role {
        let ranking = id.kind == .video ? video : audio
        if ranking.primary == id.index, ranking.isAlone { return .primary }
        let place =
            switch id.kind {
            case .video: video.receive(id.index, at: time)
            case .audio: audio.receive(id.index, at: time)
            }
        return switch place {
        case .primary: .primary
        case .elected:
            .elected(reassigned: [ranking.primary, id.index].compactMap(\.self).map { TrackID(id.kind, index: $0) })
        case .further: .further
        case .waiting: .waiting
        }
    }

    /// Takes note that a track has gone: when it is the primary one, another takes its place without waiting for it.
    mutating func leave(_ id: TrackID) {
        switch id.kind {
        case .video: video.leave(id.index)
        case .audio: audio.leave(id.index)
        }
    }

    /// Whether a track of this kind has been chosen.
    func hasPrimary(_ kind: MediaKind) -> Bool { (kind == .video ? video : audio).primary != nil }

    /// The number of a track downstream of here: 0 for the primary one of its kind.
    func label(_ id: TrackID) -> TrackID {
        let primary = (id.kind == .video ? video : audio).primary ?? 0
        if id.index == primary { return TrackID(id.kind) }
        return id.index == 0 ? TrackID(id.kind, index: primary) : id
    }
}

/// The ranking of the tracks of one kind.
private struct KindRanking {
    enum Place {
        case primary
        case elected
        case further
        case waiting
    }

    private struct Progress {
        var last: MediaTime
        /// The media sent since the primary track last sent any.
        var sent = MediaTime.zero
    }

    /// A step of a clock counts for this much at most: a jump is no media.
    private static let longestStep = MediaTime.milliseconds(1000)

    private(set) var primary: UInt8?
    /// Every track that has sent something, but the primary one.
    private var others: [UInt8: Progress] = [:]

    /// Whether the primary track has gone.
    private var hasLeft = false

    /// Whether no other track than the primary one has ever sent anything.
    var isAlone: Bool { others.isEmpty }

    mutating func receive(_ index: UInt8, at time: MediaTime) -> Place {
        if index == primary {
            hasLeft = false
            forgetProgress()
            return .primary
        }
        var progress = others[index] ?? Progress(last: time)
        progress.sent += min(max(time - progress.last, .zero), Self.longestStep)
        progress.last = time
        others[index] = progress
        let limit =
            primary == nil
            ? TrackRanking.patience : hasLeft ? TrackRanking.farewell : TrackRanking.longestFailure
        guard primary == nil && index == 0 || progress.sent >= limit && isLowest(index) else {
            return primary == nil ? .waiting : .further
        }
        primary = index
        hasLeft = false
        others[index] = nil
        forgetProgress()
        return .elected
    }

    mutating func leave(_ index: UInt8) {
        if index == primary { hasLeft = true } else { others[index] = nil }
    }

    private func isLowest(_ index: UInt8) -> Bool {
        others.allSatisfy { $0.key >= index || $0.value.sent == .zero }
    }

    private mutating func forgetProgress() {
        for index in others.keys { others[index]?.sent = .zero }
    }
}
