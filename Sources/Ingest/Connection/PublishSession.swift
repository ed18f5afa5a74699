import CoreMetrics
import Logging
import MediaCore
import NIOCore

/// One publish from its start to its end: demultiplexes its messages into the sink and keeps its account for the log.
///
/// Not copyable, and its end consumes it: a sink is finished exactly once.
struct PublishSession: ~Copyable {
    /// How often broken tags may be logged: a broken encoder makes dozens a second.
    private static let dropReportInterval = TimeAmount.seconds(10)

    private let sink: any AccessUnitSink
    private let relay: LiveRelay
    private let amfLimits: AMFLimits
    private let logger: Logger
    private let start: NIODeadline
    private var demuxer = FLVDemuxer()
    private var account: PublishAccount
    private var lastDropReport: NIODeadline?
    private var hasLoggedEncoder = false

    /// Begins a publish.
    init(
        _ status: PublishStatus,
        sink: any AccessUnitSink,
        relay: LiveRelay,
        amfLimits: AMFLimits,
        logger: Logger,
        now: NIODeadline
    ) {
        self.sink = sink
        self.relay = relay
        self.amfLimits = amfLimits
        self.logger = logger
        start = now
        account = PublishAccount(status, now: now)
        logger.info("publish accepted")
    }

    /// Tells the account to others, when it is time to.
    mutating func report(
        to environment: RTMPConnectionHandler.Environment,
        of id: ConnectionID,
        unacknowledgedBytes: Int,
        now: NIODeadline
    ) {
        guard account.isDue(at: now) else { return }
        environment.metrics.add(account.report(at: now))
        environment.metrics.acknowledgementLag.record(unacknowledgedBytes)
        environment.board.update(account.status, of: id)
    }

    /// Takes an audio message.
    ///
    /// - Throws: ``MediaTagError`` when the publish cannot go on.
    mutating func receiveAudio(_ message: RTMPMessage, now: NIODeadline) throws(MediaTagError) {
        account.received(bytes: message.payload.readableBytes)
        let outputs = try demuxer.receiveAudio(message.payload, timestamp: message.timestamp)
        relay.receive(message, outputs, now: now)
        deliver(outputs, now: now)
    }

    /// Takes a video message.
    ///
    /// - Throws: ``MediaTagError`` when the publish cannot go on.
    mutating func receiveVideo(_ message: RTMPMessage, now: NIODeadline) throws(MediaTagError) {
        account.received(bytes: message.payload.readableBytes)
        let outputs = try demuxer.receiveVideo(message.payload, timestamp: message.timestamp)
        relay.receive(message, outputs, now: now)
        deliver(outputs, now: now)
    }

    /// Takes a data message.
    ///
    /// - Throws: ``MediaTagError`` when the publish cannot go on.
    mutating func receiveData(_ message: RTMPMessage) throws(MediaTagError) {
        account.received(bytes: message.payload.readableBytes)
        switch DataMessage(message, limits: amfLimits) {
        case .metadata(let encoder):
            relay.receive(metadata: message)
            // It may come every second; the log wants the name once.
            guard let encoder, !hasLoggedEncoder else { return }
            hasLoggedEncoder = true
            account.named(encoder)
            logger.info("encoder named itself", metadata: ["encoder.name": "\(encoder)"])
        case .timed(let name, let json):
            relay.receive(data: message)
            let time = try demuxer.time(ofData: message.timestamp)
            sink.receive(TimedMetadata(name: name, time: time, json: json))
        case .ignored(let what): logger.debug("message ignored", metadata: ["rtmp.message": "\(what)"])
        }
    }

    /// Ends the publish.
    consuming func finish(
        _ end: PublishEnd,
        reason: String,
        to environment: RTMPConnectionHandler.Environment,
        of id: ConnectionID,
        now: NIODeadline
    ) {
        sink.finish(end)
        environment.relays.end(account.status.stream, end)
        account.ended(PublishStatus.End(at: environment.wallClock(), reason: reason))
        environment.metrics.add(account.report(at: now))
        environment.board.update(account.status, of: id)
        var metadata: Logger.Metadata = [
            "publish.end": end == .clean ? "clean" : "interrupted",
            "publish.reason": "\(reason)",
            "publish.seconds": "\(Double((now - start).nanoseconds / 1_000_000) / 1000)",
            "publish.bytes": "\(account.status.bytes)",
        ]
        if account.status.droppedUnits > 0 { metadata["publish.dropped_units"] = "\(account.status.droppedUnits)" }
        logger.info("publish ended", metadata: metadata)
    }

    private mutating func deliver(_ outputs: FLVDemuxer.Outputs, now: NIODeadline) {
        for output in outputs { deliver(output, now: now) }
    }

    private mutating func deliver(_ output: FLVDemuxer.Output, now: NIODeadline) {
        switch output {
        case .unit(let unit):
            account.received(unit, now: now)
            sink.receive(unit)
        case .configure(let track):
            logger.info(
                "track configured",
                metadata: [
                    "track.kind": "\(track.id.kind.rawValue)",
                    "track.index": "\(track.id.index)",
                    "track.format": "\(track.configuration.format)",
                    "track.codec": "\(track.configuration.codecString)",
                ]
            )
            account.configured(track)
            sink.configure(track)
        case .dropped(let reason):
            account.dropped(reason.description)
            reportDrop(reason, now: now)
        }
    }

    private mutating func reportDrop(_ reason: FLVDemuxer.DropReason, now: NIODeadline) {
        if let lastDropReport, now - lastDropReport < Self.dropReportInterval { return }
        lastDropReport = now
        logger.warning(
            "broken media dropped",
            metadata: ["drop.reason": "\(reason)", "publish.dropped_units": "\(account.status.droppedUnits)"]
        )
    }
}

extension CodecConfiguration {
    /// The format as a streamer knows it: `H.264 1920x1080`, `AAC 48000 Hz, 2 channels`.
    fileprivate var format: String {
        if let picture { return "\(codecName) \(picture.width)x\(picture.height)" }
        guard let sound else { return codecName }
        let channels = sound.channelCount.map { $0 == 1 ? ", mono" : ", \($0) channels" } ?? ""
        return "\(codecName) \(sound.samplingFrequency) Hz\(channels)"
    }
}
