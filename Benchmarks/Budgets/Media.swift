import Glibc
import NIOCore

@testable import Ingest

/// Media as an encoder sends it: the pictures and the sound of fixtures/rtmp/ffmpeg.rtmp, again and again on a clock that goes
/// on, each picture filled up with filler data to the size that it has at 4 Mb/s, as encoders of constant rate do.
struct Media {
    /// 30 pictures a second, and frames of 1024 samples at 48 kHz.
    private static let picturesPerSecond = 30
    private static let (samplesPerFrame, samplesPerSecond) = (1024, 48_000)
    /// A key frame is as large as eight other pictures.
    private static let keyFrameWeight = 8
    private static let bytesPerSecond = 500_000
    /// How much one read of a socket brings at the most.
    private static let readSize = 64 << 10

    /// The messages in the order of their time; the configurations first.
    let messages: [RTMPMessage]
    /// The bytes of pictures and sound, without what chunks add to them.
    let byteCount: Int
    /// Pictures and frames of sound.
    let accessUnitCount: Int

    private init(_ messages: [RTMPMessage], accessUnitCount: Int) {
        self.messages = messages
        self.accessUnitCount = accessUnitCount
        byteCount = messages.reduce(0) { $0 + $1.payload.readableBytes }
    }

    /// So many seconds of media.
    init(seconds: Int, fixture: String) throws {
        let recorded = try Self.messages(of: fixture)
        let pictures = recorded.filter { $0.typeID == RTMPMessage.TypeID.video && Self.isMedia($0) }
        let sounds = recorded.filter { $0.typeID == RTMPMessage.TypeID.audio && Self.isMedia($0) }
        guard !pictures.isEmpty, !sounds.isEmpty else { throw MeasurementError("\(fixture): no pictures, or no sound") }
        let keyFrames = pictures.count(where: Self.isKeyFrame)
        let weight = pictures.count + keyFrames * (Self.keyFrameWeight - 1)
        let size = Self.bytesPerSecond * pictures.count / Self.picturesPerSecond / weight
        let filled = pictures.map { Self.filled($0, to: Self.isKeyFrame($0) ? Self.keyFrameWeight * size : size) }

        var media: [RTMPMessage] = []
        for index in 0..<(seconds * Self.picturesPerSecond) {
            media.append(filled[index % filled.count].dated(index * 1000 / Self.picturesPerSecond))
        }
        for index in 0..<(seconds * Self.samplesPerSecond / Self.samplesPerFrame) {
            let time = index * Self.samplesPerFrame * 1000 / Self.samplesPerSecond
            media.append(sounds[index % sounds.count].dated(time))
        }
        media.sort { ($0.timestamp, $1.typeID) < ($1.timestamp, $0.typeID) }
        let configurations = recorded.filter { !Self.isMedia($0) }
        self.init(configurations.map { $0.dated(0) } + media, accessUnitCount: media.count)
    }

    /// The bytes that a socket brings, in reads, when the encoder cuts its messages into chunks of this size.
    func reads(chunkSize: Int) -> [ByteBuffer] {
        var encoder = RTMPChunkEncoder()
        var bytes = ByteBuffer()
        let size = ByteBuffer(integer: UInt32(chunkSize))
        encoder.write(
            RTMPMessage(
                chunkStreamID: 2,
                timestamp: 0,
                typeID: RTMPMessage.TypeID.setChunkSize,
                messageStreamID: 0,
                payload: size
            ),
            to: &bytes
        )
        for message in messages { encoder.write(message, to: &bytes) }
        var reads: [ByteBuffer] = []
        while let read = bytes.readSlice(length: min(Self.readSize, bytes.readableBytes)), read.readableBytes > 0 {
            reads.append(read)
        }
        return reads
    }

    // MARK: - The fixture

    /// The audio and video messages of a recorded connection.
    private static func messages(of fixture: String) throws -> [RTMPMessage] {
        var bytes = try contents(of: fixture)
        // C0, C1 and C2.
        bytes.moveReaderIndex(forwardBy: 1 + 2 * 1536)
        var decoder = RTMPChunkDecoder(limits: .media)
        var messages: [RTMPMessage] = []
        while let message = try decoder.nextMessage(from: &bytes) {
            if [RTMPMessage.TypeID.audio, RTMPMessage.TypeID.video].contains(message.typeID) {
                messages.append(message)
            }
        }
        return messages
    }

    /// Without Foundation, which takes Valgrind longer to load than all the rest.
    private static func contents(of path: String) throws -> ByteBuffer {
        guard let file = fopen(path, "rb") else { throw MeasurementError("\(path): error \(errno)") }
        defer { fclose(file) }
        var bytes = ByteBuffer()
        var count = 1
        while count > 0 {
            count = bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: readSize) {
                fread($0.baseAddress, 1, $0.count, file)
            }
        }
        return bytes
    }

    /// AVC and AAC: the second byte tells a configuration (0), media (1) and the end of a sequence (2) apart.
    private static func isMedia(_ message: RTMPMessage) -> Bool {
        message.payload.getInteger(at: 1, as: UInt8.self) == 1
    }

    private static func isKeyFrame(_ message: RTMPMessage) -> Bool {
        message.payload.getInteger(at: 0, as: UInt8.self).map { $0 >> 4 == 1 } ?? false
    }

    /// A picture with a NAL unit of filler data behind it (ITU-T H.264 §7.3.2.7).
    private static func filled(_ picture: RTMPMessage, to size: Int) -> RTMPMessage {
        var picture = picture
        let count = size - picture.payload.readableBytes - 6
        guard count > 0 else { return picture }
        picture.payload.writeInteger(UInt32(count + 2))
        picture.payload.writeInteger(UInt8(12))
        picture.payload.writeRepeatingByte(0xFF, count: count)
        picture.payload.writeInteger(UInt8(0x80))
        return picture
    }
}

extension RTMPMessage {
    fileprivate func dated(_ milliseconds: Int) -> RTMPMessage {
        var message = self
        message.timestamp = UInt32(milliseconds)
        message.messageStreamID = 1
        return message
    }
}

extension RTMPChunkDecoder.Limits {
    /// Those of a peer that may publish.
    static let media = Self(
        messageLength: IngestLimits().maximumMessageLength,
        partialBytes: IngestLimits().maximumPartialBytes,
        chunkStreams: IngestLimits().maximumChunkStreams,
        reservation: RTMPChunkDecoder.trustedReservation
    )
}

/// Why nothing could be measured.
struct MeasurementError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
