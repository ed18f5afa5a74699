import NIOCore

/// A user control message (RTMP 1.0 §7.1.7): an event and, for those that matter here, one number.
struct UserControlEvent: Hashable {
    /// §7.1.7: the events that a server sends or answers.
    enum EventType {
        static let streamBegin: UInt16 = 0
        static let streamEOF: UInt16 = 1
        static let pingRequest: UInt16 = 6
        static let pingResponse: UInt16 = 7
    }

    let type: UInt16
    /// A message stream ID, or the time of a ping.
    let value: UInt32

    /// An event to send.
    init(type: UInt16, value: UInt32) {
        self.type = type
        self.value = value
    }

    /// Reads an event, or returns `nil` when the body is shorter: some encoders send events that no document knows.
    init?(_ body: ByteBuffer) {
        var body = body
        guard let (type, value) = body.readMultipleIntegers(as: (UInt16, UInt32).self) else { return nil }
        self.init(type: type, value: value)
    }
}
