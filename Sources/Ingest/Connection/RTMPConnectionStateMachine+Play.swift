import MediaCore

// The commands of a player. The states and their diagram stand with the type.
extension RTMPConnectionStateMachine {
    /// What we send media in chunks of: all but keyframes fit into one, and every player takes it.
    private static let mediaChunkSize: UInt32 = 65_536

    /// play (§7.2.2.1): null, the name, and a start, duration and reset that mean nothing to a live.
    mutating func play(
        _ command: RTMPCommand,
        on messageStreamID: UInt32
    ) throws(RTMPCommandError) -> [Effect] {
        guard messageStreamID <= 1 || messageStreams.contains(messageStreamID) else {
            throw .unknownMessageStream(messageStreamID)
        }
        guard case .connected = state else {
            let status = StreamStatus(code: .playFailed, description: "this connection publishes or plays already")
            return [.send(RTMPReply.onStatus(status, messageStreamID: messageStreamID))]
        }
        let name = PublishAddress(name: command.arguments.dropFirst().first?.string ?? "", in: address)
        // Players put the kind of file in front of names, as Flash Media Server wants it.
        let prefix = ["flv:", "mp4:"].first { name.key.hasPrefix($0) } ?? ""
        guard let stream = StreamID(name.key.dropFirst(prefix.count)) else {
            return refuse(.playStreamNotFound, "'\(name.key.printable)' is no name of a stream", on: messageStreamID)
        }
        state = .authorizingPlay(stream, messageStreamID: messageStreamID)
        let token = name.query.split(separator: "&").first { $0.hasPrefix("token=") }?.dropFirst(6)
        let request = PlayRequest(stream: stream, token: token.map { Secret(String($0)) }, peerAddress: peerAddress)
        return [.authorizePlay(request)]
    }

    /// The authorizer has answered.
    mutating func playAuthorized(_ decision: PlayDecision) -> [Effect] {
        guard case .authorizingPlay(let stream, let messageStreamID) = state else { return [] }
        switch decision {
        case .allow:
            state = .joining(stream, messageStreamID: messageStreamID)
            return [.join(stream, messageStreamID: messageStreamID)]
        case .deny(let reason): return end(.refused(StreamStatus(code: .playFailed, description: reason)))
        }
    }

    /// The live was looked up.
    ///
    /// - Parameter isThere: whether it is being published.
    /// - Returns: what the player is told; its media follows.
    mutating func joined(_ isThere: Bool) -> [Effect] {
        guard case .joining(let stream, let messageStreamID) = state else { return [] }
        guard isThere else {
            let words = "nobody publishes \(stream) at the moment"
            return end(.refused(StreamStatus(code: .playStreamNotFound, description: words)))
        }
        state = .playing(stream, messageStreamID: messageStreamID)
        let streamBegin = UserControlEvent(type: UserControlEvent.EventType.streamBegin, value: messageStreamID)
        func status(_ code: StreamStatus.Code, _ words: String) -> Effect {
            .send(RTMPReply.onStatus(StreamStatus(code: code, description: words), messageStreamID: messageStreamID))
        }
        return [
            .send(RTMPReply.setChunkSize(Self.mediaChunkSize)),
            .send(RTMPReply.userControl(streamBegin)),
            status(.playReset, "\(stream) is being played"),
            status(.playStart, "\(stream) is played from its next keyframe on"),
            .send(RTMPReply.sampleAccess(messageStreamID: messageStreamID)),
        ]
    }

    mutating func stopPlay(of stream: StreamID, _ messageStreamID: UInt32) -> [Effect] {
        state = .connected
        let status = StreamStatus(code: .playStop, description: "\(stream) is no longer played")
        return [.endPlay, .send(RTMPReply.onStatus(status, messageStreamID: messageStreamID))]
    }
}
