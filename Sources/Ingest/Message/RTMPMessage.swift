import NIOCore

/// A message as the chunk layer carries it (RTMP 1.0 §6.1).
struct RTMPMessage: Hashable {
    /// The message types (§5.4, §6.2, §7.1).
    ///
    /// A peer may send any number, so this is no enumeration.
    enum TypeID {
        static let setChunkSize: UInt8 = 1
        static let abort: UInt8 = 2
        static let acknowledgement: UInt8 = 3
        static let userControl: UInt8 = 4
        static let windowAcknowledgementSize: UInt8 = 5
        static let setPeerBandwidth: UInt8 = 6
        static let audio: UInt8 = 8
        static let video: UInt8 = 9
        static let dataAMF3: UInt8 = 15
        static let commandAMF3: UInt8 = 17
        static let dataAMF0: UInt8 = 18
        static let commandAMF0: UInt8 = 20
        static let aggregate: UInt8 = 22
    }

    /// The chunk stream it came on or goes out on.
    var chunkStreamID: Int
    /// Milliseconds on a clock with an arbitrary epoch, modulo 2^32 (§7.1.1).
    var timestamp: UInt32
    var typeID: UInt8
    /// 0 for the connection itself, else a number that createStream gave out.
    var messageStreamID: UInt32
    var payload: ByteBuffer
}
