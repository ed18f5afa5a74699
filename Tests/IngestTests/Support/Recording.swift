import Foundation
import MediaCore
import NIOCore
import Synchronization

@testable import Ingest

/// What sinks were told, in one order over all of them.
final class Recording: AccessUnitSinkProvider {
    enum Event: Equatable, Sendable {
        case begin(StreamID, publish: Int)
        case configure(String, publish: Int)
        case unit(MediaKind, milliseconds: Int64, isSync: Bool, size: Int, publish: Int)
        case metadata(String, milliseconds: Int64, json: String, publish: Int)
        case finish(PublishEnd, publish: Int)
    }

    private let state = Mutex((publishes: 0, events: [Event]()))
    private let continuation: AsyncStream<Event>.Continuation
    /// The events as they come, for tests that wait for one.
    let stream: AsyncStream<Event>

    init() {
        (stream, continuation) = AsyncStream.makeStream()
    }

    var events: [Event] { state.withLock { $0.events } }

    /// Waits until an event of this kind has come.
    func first(where isWanted: (Event) -> Bool) async -> Event? {
        for await event in stream where isWanted(event) { return event }
        return nil
    }

    func beginPublish(_ stream: StreamID) -> any AccessUnitSink {
        let number = state.withLock { state in
            state.publishes += 1
            return state.publishes
        }
        add(.begin(stream, publish: number))
        return Sink(number: number, recording: self)
    }

    fileprivate func add(_ event: Event) {
        state.withLock { $0.events.append(event) }
        continuation.yield(event)
    }

    private final class Sink: AccessUnitSink {
        let number: Int
        let recording: Recording

        init(number: Int, recording: Recording) {
            self.number = number
            self.recording = recording
        }

        func configure(_ track: Track) { recording.add(.configure(track.configuration.codecString, publish: number)) }

        func receive(_ metadata: TimedMetadata) {
            let time = metadata.time.ticks(timescale: 1000)
            recording.add(.metadata(metadata.name, milliseconds: time, json: metadata.json, publish: number))
        }

        func receive(_ unit: AccessUnit) {
            let time = unit.decodeTime.ticks(timescale: 1000)
            let kind = unit.trackID.kind
            recording.add(
                .unit(
                    kind,
                    milliseconds: time,
                    isSync: unit.isSync,
                    size: unit.payload.readableBytes,
                    publish: number
                )
            )
        }

        func finish(_ end: PublishEnd) { recording.add(.finish(end, publish: number)) }
    }
}
