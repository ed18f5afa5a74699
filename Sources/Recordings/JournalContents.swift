public import LiveStore
public import MediaCore
public import NIOCore

/// What a journal says of a recording: its renditions with their segments.
public struct JournalContents: Sendable {
    /// A segment with the parts that were written of it.
    public struct Segment: Sendable {
        /// Its beginning.
        public let entry: JournalEntry.Segment
        /// Its parts, in order.
        public internal(set) var parts: [JournalEntry.Part] = []

        /// Its length: that which was told with its last part, or that of the parts before the writer stopped.
        public var duration: MediaTime {
            if let last = parts.last, last.segmentDuration > .zero { return last.segmentDuration }
            return parts.reduce(.zero) { $0 + $1.duration }
        }

        /// Whether a part of it is lost, so that the whole cannot be had.
        public var isLost: Bool { parts.isEmpty || parts.contains { $0.file == 0 } }

        /// Whether its last part is there.
        public var isComplete: Bool { parts.last.map { $0.segmentDuration > .zero } ?? false }

        /// The bytes of its parts.
        public var byteCount: Int { parts.reduce(0) { $0 + Int($1.length) } }
    }

    /// A rendition.
    public struct RenditionContents: Sendable {
        /// Its segments, in order; the last one may have some of its parts only.
        public internal(set) var segments: [Segment] = []
        /// Its initialization segments by number.
        public internal(set) var initializations: [UInt32: JournalEntry.Initialization] = [:]
        /// What the multivariant playlist says of it.
        public internal(set) var variant: String?
    }

    /// The encoder, or the server, was away.
    public struct Resumption: Hashable, Sendable {
        /// Who.
        public let cause: RecordingFacts.Gap.Cause
        /// Before the segment of this number.
        public let mediaSequenceNumber: Int
    }

    /// What stays the same for the whole live.
    public let opening: JournalEntry.Opening
    /// What was recorded, by rendition.
    public private(set) var renditions: [Rendition.ID: RenditionContents] = [:]
    /// The times that somebody was away.
    public private(set) var resumptions: [Resumption] = []
    /// When it was complete, if it is.
    public private(set) var endedAt: WallClockTime?
    /// How many bytes of the journal are whole.
    public private(set) var byteCount = 0

    /// What a journal says; `nil` when it does not begin as a journal does.
    ///
    /// - Parameter journal: its bytes. What stands behind the last whole entry is left out.
    public init?(_ journal: ByteBuffer) {
        var rest = journal
        guard case .opening(let opening) = JournalEntry.read(from: &rest) else { return nil }
        self.opening = opening
        while let entry = JournalEntry.read(from: &rest) { take(entry) }
        byteCount = journal.readableBytes - rest.readableBytes
        for id in renditions.keys { renditions[id]?.segments.removeAll { $0.parts.isEmpty } }
    }

    private mutating func take(_ entry: JournalEntry) {
        switch entry {
        // A journal that was begun anew may have its preamble twice.
        case .opening: break
        case .initialization(let initialization):
            renditions[initialization.rendition, default: .init()].initializations[initialization.number] =
                initialization
        case .segment(let segment):
            renditions[segment.rendition, default: .init()].segments.append(Segment(entry: segment))
        case .part(let part):
            guard let last = renditions[part.rendition]?.segments.indices.last else { return }
            renditions[part.rendition]?.segments[last].parts.append(part)
        case .variant(let rendition, let text): renditions[rendition, default: .init()].variant = text
        case .resumption(let cause, _):
            let next = renditions.values.compactMap(\.segments.last?.entry.mediaSequenceNumber).max().map { $0 + 1 }
            resumptions.append(Resumption(cause: cause, mediaSequenceNumber: next ?? opening.mediaSequenceNumber))
        case .end(let time): endedAt = time
        }
    }

    /// Its length: that of the primary tracks.
    public var duration: MediaTime {
        renditions[Self.primary]?.segments.reduce(.zero) { $0 + $1.duration } ?? .zero
    }

    /// When its last picture was captured.
    public var capturedUntil: WallClockTime {
        let last = renditions[Self.primary]?.segments.last
        return last.map { $0.entry.programDateTime + $0.duration } ?? opening.startedAt
    }

    /// The rendition of the primary tracks together, which every live has.
    public static let primary = Rendition.ID(.muxed)
}
