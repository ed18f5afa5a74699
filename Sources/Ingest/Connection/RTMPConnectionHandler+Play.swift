import CoreMetrics
import Logging
import MediaCore
import NIOCore

// What the handler does for a player: asks who may play, joins the live, writes as fast as the player reads.
extension RTMPConnectionHandler {
    func authorizePlay(_ request: PlayRequest) {
        let refusal = "this server shows its lives over HLS only: open the watch page instead"
        var decision = environment.playbackAuthorizer.map { $0.authorize(request) } ?? .deny(reason: refusal)
        if decision == .allow, !environment.admission.admits(.player) {
            decision = .deny(reason: "the server is overloaded and takes no new players now: try again later")
        }
        perform(machine.playAuthorized(decision))
    }

    func join(_ stream: StreamID, _ messageStreamID: UInt32) {
        guard let eventLoop = context?.eventLoop else { return }
        let handler = NIOLoopBound(self, eventLoop: eventLoop)
        let subscription = RelaySubscription(maximumBytes: limits.maximumUnsentMedia) {
            eventLoop.execute { handler.value.writePlay() }
        }
        let isThere = environment.relays.subscribe(subscription, to: stream)
        if isThere {
            logger[metadataKey: "stream.id"] = "\(stream)"
            logger.info("play begins")
            environment.metrics.activePlays.increment()
            play = PlaySession(stream, subscription, messageStreamID: messageStreamID)
            deadline?.enter(.play(limits.playerStallTimeout))
        }
        perform(machine.joined(isThere))
        writePlay()
    }

    /// Writes what waits for the player, as far as it reads.
    func writePlay() {
        guard let context, stage == .open, let play else { return }
        var turn: PlaySession.Turn?
        while turn == nil, context.channel.isWritable, let output = play.next(&turn, encoder: &encoder) {
            if output.readableBytes > 0 { context.writeAndFlush(wrapOutboundOut(output), promise: nil) }
            deadline?.extend()
        }
        switch turn {
        case nil: break
        case .interrupted: deadline?.enter(.encoderGone(limits.encoderReturnTimeout))
        case .resumed: deadline?.enter(.play(limits.playerStallTimeout))
        case .ended: return perform(machine.end(.liveEnded))
        }
        if turn != nil { writePlay() }
    }

    func endPlay(because reason: ConnectionEnd?) {
        guard let play = play.take() else { return }
        environment.relays.unsubscribe(play.subscription, from: play.stream)
        environment.metrics.activePlays.decrement()
        environment.metrics.sentBytes.increment(by: play.bytes)
        environment.metrics.droppedMessages.increment(by: play.subscription.takeDropped())
        let words = reason?.description ?? "the player stopped"
        logger.info("play ends", metadata: ["play.reason": "\(words)", "play.bytes": "\(play.bytes)"])
        logger[metadataKey: "stream.id"] = nil
        if reason == nil { deadline?.enter(.publish(limits.publishTimeout)) }
    }
}
