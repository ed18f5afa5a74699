import Logging
import MediaCore
import NIOCore

/// One publish from its start to its end: demultiplexes its messages into the sink and keeps its account for the log.
///
/// Not copyable, and its end consumes it: a sink is finished exactly once.
struct PublishSession: ~Copyable {
    /// How often broken tags may be logged: a broken encoder makes dozens a second.
    private static let dropReportInterval = TimeAmount.seconds(10)

    let stream: StreamID
    private let sink: any AccessUnitSink
    private let amfLimits: AMFLimits
    private let logger: Logger
    private let start: NIODeadline
    private var demuxer = FLVDemuxer()
    private var bytes = 0
    private var drops = 0
    private var lastDropReport: NIODeadline?
    private var hasLoggedEncoder = false

    /// Begins a publish.
    init(
        _ stream: StreamID,
        sink: any AccessUnitSink,
        amfLimits: AMFLimits,
        logger: Logger,
        now: NIODeadline
    ) {
        self.stream = stream
        self.sink = sink
        self.amfLimits = amfLimits
        self.logger = logger
        start = now
        logger.info("publish accepted")
    }

    /// Takes an audio message.
    ///
    /// - Throws: ``MediaTagError`` when the publish cannot go on.
    mutating func receiveAudio(_ message: RTMPMessage, now: NIODeadline) throws(MediaTagError) {
        bytes += message.payload.readableBytes
        deliver(try demuxer.receiveAudio(message.payload, timestamp: message.timestamp), now: now)
    }

    /// Takes a video message.
    ///
    /// - Throws: ``MediaTagError`` when the publish cannot go on.
    mutating func receiveVideo(_ message: RTMPMessage, now: NIODeadline) throws(MediaTagError) {
        bytes += message.payload.readableBytes
        deliver(try demuxer.receiveVideo(message.payload, timestamp: message.timestamp), now: now)
    }

    /// Takes a data message.
    ///
    /// - Throws: ``MediaTagError`` when the publish cannot go on.
    mutating func receiveData(_ message: RTMPMessage) throws(MediaTagError) {
        bytes += message.payload.readableBytes
        switch DataMessage(message, limits: amfLimits) {
        case .metadata(let encoder):
            // It may come every second; the log wants the name once.
            guard let encoder, !hasLoggedEncoder else { return }
            hasLoggedEncoder = true
            logger.info("encoder named itself", metadata: ["encoder.name": "\(encoder)"])
        case .timed(let name, let json):
            let time = try demuxer.time(ofData: message.timestamp)
            sink.receive(TimedMetadata(name: name, time: time, json: json))
        case .ignored(let what): logger.debug("message ignored", metadata: ["rtmp.message": "\(what)"])
        }
    }

    /// Ends the publish.
    consuming func finish(_ end: PublishEnd, reason: String, now: NIODeadline) {
        sink.finish(end)
        var metadata: Logger.Metadata = [
            "publish.end": end == .clean ? "clean" : "interrupted",
            "publish.reason": "\(reason)",
            "publish.seconds": "\(Double((now - start).nanoseconds / 1_000_000) / 1000)",
            "publish.bytes": "\(bytes)",
        ]
        if drops > 0 { metadata["publish.dropped_units"] = "\(drops)" }
        logger.info("publish ended", metadata: metadata)
    }

    private mutating func deliver(_ outputs: FLVDemuxer.Outputs, now: NIODeadline) {
        for output in outputs { deliver(output, now: now) }
    }

    private mutating func deliver(_ output: FLVDemuxer.Output, now: NIODeadline) {
        switch output {
        case .unit(let unit): sink.receive(unit)
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
            sink.configure(track)
        case .dropped(let reason):
            drops += 1
            reportDrop(reason, now: now)
        }
    }

    private mutating func reportDrop(_ reason: FLVDemuxer.DropReason, now: NIODeadline) {
        if let lastDropReport, now - lastDropReport < Self.dropReportInterval { return }
        lastDropReport = now
        logger.warning(
            "broken media dropped",
            metadata: ["drop.reason": "\(reason)", "publish.dropped_units": "\(drops)"]
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
