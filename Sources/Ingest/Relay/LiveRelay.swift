import MediaCore
import NIOCore
import Synchronization

/// The messages of one live on their way to RTMP players and to other servers, as the encoder made them.
///
/// The publisher's event loop puts each message into the inboxes of the subscriptions and goes on; a reader that is slow
/// loses messages, and never delays the publisher or another reader. Nothing is kept for later readers but the headers
/// that a decoder needs first, so a relay without subscriptions costs next to nothing.
final class LiveRelay: Sendable {
    private struct State {
        var clock = RelayClock()
        var metadata: RTMPMessage?
        /// The sequence headers, each with the tracks that it configures.
        var headers: [(tracks: Set<TrackID>, message: RTMPMessage)] = []
        var hasVideo = false
        var isPublished = true
        var subscriptions: [RelaySubscription] = []

        /// What every reader gets first.
        var preamble: [RTMPMessage] { (metadata.map { [$0] } ?? []) + headers.map(\.message) }
    }

    private let state = Mutex(State())

    // MARK: - From the publisher

    /// A publish of the live begins; after one that was interrupted the readers go on with it.
    func begin() {
        state.withLock { state in
            state.clock.rebase()
            state.metadata = nil
            state.headers = []
            state.hasVideo = false
            state.isPublished = true
            for subscription in state.subscriptions { subscription.offer(.resumed) }
        }
    }

    /// The publish has ended.
    ///
    /// - Returns: whether anybody waits for the next one.
    func end(_ end: PublishEnd) -> Bool {
        state.withLock { state in
            state.isPublished = false
            for subscription in state.subscriptions { subscription.offer(end == .clean ? .ended : .interrupted) }
            return !state.subscriptions.isEmpty
        }
    }

    /// Passes an audio or video message on.
    ///
    /// - Parameters:
    ///   - message: the message as it came.
    ///   - outputs: what the demultiplexer has made of it.
    ///   - now: the time.
    func receive(_ message: RTMPMessage, _ outputs: FLVDemuxer.Outputs, now: NIODeadline) {
        let content = Content(outputs)
        let kind: MediaKind = message.typeID == RTMPMessage.TypeID.video ? .video : .audio
        state.withLock { state in
            var message = message
            message.chunkStreamID = kind == .video ? RelayChunkStream.video : RelayChunkStream.audio
            if kind == .video, content.time != nil || !content.configured.isEmpty { state.hasVideo = true }
            guard let time = content.time else {
                message.timestamp = state.clock.timestamp
                if !content.configured.isEmpty { Self.keep(message, for: content.configured, in: &state) }
                return Self.offer(message, canBeFirst: false, in: state)
            }
            message.timestamp = state.clock.timestamp(of: time, kind, now: now)
            Self.offer(message, canBeFirst: content.isKeyframe || !state.hasVideo, in: state)
        }
    }

    /// Passes on what the encoder says of the whole stream.
    func receive(metadata: RTMPMessage) {
        state.withLock { state in
            var message = Self.data(metadata, at: state.clock.timestamp)
            message.removeSetDataFrame()
            state.metadata = message
            Self.offer(message, canBeFirst: false, in: state)
        }
    }

    /// Passes on what the encoder says at a moment.
    func receive(data: RTMPMessage) {
        state.withLock { state in
            Self.offer(Self.data(data, at: state.clock.timestamp), canBeFirst: false, in: state)
        }
    }

    private static func data(_ message: RTMPMessage, at timestamp: UInt32) -> RTMPMessage {
        RTMPMessage(
            chunkStreamID: RelayChunkStream.data,
            timestamp: timestamp,
            typeID: RTMPMessage.TypeID.dataAMF0,
            messageStreamID: 0,
            payload: message.amf0Payload
        )
    }

    /// A header takes the place of those that configure nothing that it does not.
    private static func keep(_ message: RTMPMessage, for tracks: Set<TrackID>, in state: inout State) {
        state.headers.removeAll { $0.tracks.isSubset(of: tracks) }
        state.headers.append((tracks, message))
    }

    private static func offer(_ message: RTMPMessage, canBeFirst: Bool, in state: borrowing State) {
        for subscription in state.subscriptions {
            subscription.offer(message, canBeFirst: canBeFirst, preamble: state.preamble)
        }
    }

    // MARK: - To the readers

    /// Whether an encoder is there.
    var isPublished: Bool { state.withLock { $0.isPublished } }

    /// Adds a reader; it gets the live from its next keyframe on.
    func add(_ subscription: RelaySubscription) {
        state.withLock { state in
            state.subscriptions.append(subscription)
            if !state.isPublished { subscription.offer(.interrupted) }
        }
    }

    /// Lets a reader go.
    ///
    /// - Returns: whether the relay is of any use still: published, or waited for.
    func remove(_ subscription: RelaySubscription) -> Bool {
        state.withLock { state in
            state.subscriptions.removeAll { $0 === subscription }
            return state.isPublished || !state.subscriptions.isEmpty
        }
    }

    /// What a relay has to know of a message.
    private struct Content {
        var configured: Set<TrackID> = []
        var time: MediaTime?
        var isKeyframe = false

        init(_ outputs: FLVDemuxer.Outputs) {
            for output in outputs {
                switch output {
                case .configure(let track): configured.insert(track.id)
                case .unit(let unit):
                    time = time ?? unit.decodeTime
                    if unit.trackID == TrackID(.video), unit.isSync { isKeyframe = true }
                case .dropped: break
                }
            }
        }
    }
}

/// The chunk streams that media goes out on: not those of our commands and events.
enum RelayChunkStream {
    static let audio = 6
    static let video = 7
    static let data = 8
}

extension RTMPMessage {
    /// The string `@setDataFrame` as AMF 0 has it: what encoders put in front of onMetaData and servers take away.
    private static let setDataFrame: [UInt8] = [AMF0Value.Marker.string, 0, 13] + Array("@setDataFrame".utf8)

    mutating func removeSetDataFrame() {
        guard payload.readableBytesView.starts(with: Self.setDataFrame) else { return }
        payload.moveReaderIndex(forwardBy: Self.setDataFrame.count)
    }

    mutating func addSetDataFrame() {
        var whole = ByteBuffer(bytes: Self.setDataFrame)
        whole.writeImmutableBuffer(payload)
        payload = whole
    }
}
