import CoreMetrics
import Logging
import MediaCore
import NIOCore

// What the handler does for a publisher: asks who may publish, claims the stream, opens and closes the session.
extension RTMPConnectionHandler {
    func authorize(_ request: PublishRequest) {
        guard let eventLoop = context?.eventLoop else { return }
        gate?.close(.decision)
        let answer = environment.authorizer.authorize(request, on: eventLoop).hop(to: eventLoop)
        answer.assumeIsolated().whenComplete { result in
            switch result {
            case .success(let decision):
                self.perform(self.machine.authorized(self.roomFor(decision)))
            case .failure(let error):
                self.logger.warning("stream key not checked", metadata: ["error.type": "\(type(of: error))"])
                let refusal = PublishRefusal(reason: "the server could not check the stream key")
                self.perform(self.machine.authorized(.deny(refusal)))
            }
        }
    }

    /// The authorizer's word, unless it lets in somebody for whom the server has no room.
    private func roomFor(_ decision: PublishDecision) -> PublishDecision {
        guard case .allow(let grant) = decision, !environment.admission.admits(.publisher(grant.stream)) else {
            return decision
        }
        let reason = "the server is overloaded and takes no new streams now: try again later"
        return .deny(PublishRefusal(.overloaded, reason: reason))
    }

    func claim(_ stream: StreamID) {
        guard let eventLoop = context?.eventLoop else { return }
        claimedStream = stream
        let handler = NIOLoopBound(self, eventLoop: eventLoop)
        let claimant = StreamRegistry.Claimant(
            id: id,
            granted: { eventLoop.execute { handler.value.claimGranted() } },
            superseded: { contested in eventLoop.execute { handler.value.claimSuperseded(stream, contested) } },
            refused: { eventLoop.execute { handler.value.claimRefused() } }
        )
        takeoverCheck = eventLoop.assumeIsolated().scheduleTask(in: limits.takeoverTimeout) {
            self.perform(self.machine.end(.refused(.streamBusy)))
        }
        environment.registry.claim(stream, by: claimant, now: now)
    }

    private func claimGranted() {
        takeoverCheck?.cancel()
        perform(machine.claimed())
        resume()
    }

    private func claimSuperseded(_ stream: StreamID, _ isContested: Bool) {
        // The stream may have been released in the meantime, with this call under way.
        guard claimedStream == stream else { return }
        if isContested, isSending { return environment.registry.keep(stream, by: id) }
        perform(machine.end(.takenOver))
    }

    private func claimRefused() {
        perform(machine.end(.refused(.streamContested)))
    }

    /// Whether media came a moment ago: a half-open connection sends none.
    private var isSending: Bool { lastMedia.map { now - $0 < .seconds(2) } ?? false }

    func beginPublish(_ grant: PublishGrant) {
        let stream = grant.stream
        if let limit = grant.timeLimit { scheduleEnd(after: limit) }
        decoder.limits.messageLength = limits.maximumMessageLength
        decoder.limits.partialBytes = limits.maximumPartialBytes
        decoder.limits.reservation = RTMPChunkDecoder.trustedReservation
        deadline?.enter(.media(limits.publisherIdleTimeout))
        logger[metadataKey: "stream.id"] = "\(stream)"
        let sink = environment.sinkProvider.beginPublish(stream)
        let status = PublishStatus(
            stream: stream,
            app: machine.app,
            peerAddress: peerAddress,
            isEncrypted: isSecured,
            startedAt: environment.wallClock(),
            encoder: encoderVersion.isEmpty ? nil : encoderVersion
        )
        session = PublishSession(
            status,
            sink: sink,
            relay: environment.relays.begin(stream),
            amfLimits: limits.amf,
            logger: logger,
            now: now
        )
        publishedAt = now
        readBudget = ReadBudget(bytesPerSecond: limits.maximumBytesPerSecond, now: now)
        announce(status)
    }

    private func announce(_ status: PublishStatus) {
        guard let eventLoop = context?.eventLoop else { return }
        let handler = NIOLoopBound(self, eventLoop: eventLoop)
        environment.board.begin(status, of: id) {
            eventLoop.execute { handler.value.perform(handler.value.machine.end(.endedByOperator)) }
        }
        environment.metrics.startedPublishes.increment()
        environment.metrics.activePublishes.increment()
    }

    private func scheduleEnd(after limit: Duration) {
        timeLimitCheck = context?.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limit)) {
            self.perform(self.machine.end(.timeLimitReached))
        }
    }

    func endPublish(_ end: PublishEnd, because reason: ConnectionEnd?) {
        timeLimitCheck?.cancel()
        if let session = session.take() {
            let words = reason?.description ?? "the encoder ended the stream"
            session.finish(end, reason: words, to: environment, of: id, now: now)
            environment.metrics.activePublishes.decrement()
        }
        readBudget = nil
        gate?.open(.throttle)
        releaseStream()
        logger[metadataKey: "stream.id"] = nil
        if reason == nil { deadline?.enter(.publish(limits.publishTimeout)) }
    }

    func releaseStream() {
        guard let stream = claimedStream.take() else { return }
        takeoverCheck?.cancel()
        environment.registry.release(stream, by: id, wasSending: isSending, now: now)
        lastMedia = nil
    }
}
