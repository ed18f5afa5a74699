import MediaCore
import NIOCore

@testable import Ingest

/// Audio and video messages of every form: an access unit comes only after its track was announced, with a time that sums
/// cannot overflow, and holds no more bytes than its message; tracks are bounded.
enum MediaTagFuzz {
    static func run(_ input: [UInt8]) throws {
        var rest = ByteBuffer(bytes: input)
        var demuxer = FLVDemuxer()
        var announced: [TrackID: Track] = [:]
        while let (kind, timestamp, length) = rest.readMultipleIntegers(as: (UInt8, UInt32, UInt16).self),
            let body = rest.readSlice(length: min(Int(length), rest.readableBytes))
        {
            let outputs = Result {
                kind & 1 == 0
                    ? try demuxer.receiveAudio(body, timestamp: timestamp)
                    : try demuxer.receiveVideo(body, timestamp: timestamp)
            }
            guard case .success(let outputs) = outputs else { return }
            for output in outputs {
                switch output {
                case .configure(let track):
                    try FuzzViolation.unless(announced[track.id] != track, "\(track.id) announced again unchanged")
                    announced[track.id] = track
                    try ConfigurationFuzz.check(track.configuration)
                case .unit(let unit): try check(unit, announced, length: body.readableBytes)
                case .dropped: break
                }
            }
        }
        try FuzzViolation.unless(announced.count <= 2 * FLVDemuxer.maximumTracks, "\(announced.count) tracks")
    }

    /// An input that holds these messages.
    static func input(_ messages: some Sequence<RTMPMessage>) -> [UInt8] {
        var buffer = ByteBuffer()
        for message in messages {
            let body = message.payload.getSlice(
                at: message.payload.readerIndex,
                length: min(message.payload.readableBytes, 1024)
            )
            buffer.writeMultipleIntegers(message.typeID, message.timestamp, UInt16(body?.readableBytes ?? 0))
            if let body { buffer.writeImmutableBuffer(body) }
        }
        return Array(buffer.readableBytesView)
    }

    private static func check(_ unit: AccessUnit, _ announced: [TrackID: Track], length: Int) throws {
        try FuzzViolation.unless(announced[unit.trackID] != nil, "an access unit of an unknown track")
        try FuzzViolation.unless(unit.payload.readableBytes <= length, "an access unit longer than its message")
        try FuzzViolation.unless(unit.sampleCount ?? 1 > 0, "\(unit.sampleCount ?? 0) samples")
        for time in [unit.decodeTime, unit.compositionOffset] {
            try FuzzViolation.unless(abs(time.nanoseconds) <= 2 * MediaTime.limit.nanoseconds, "time \(time)")
        }
    }
}

/// Decoder configurations: what a parser understands has sizes and names that can be.
enum ConfigurationFuzz {
    /// The first byte says which parser gets the others.
    static func run(_ input: [UInt8]) throws {
        guard let selector = input.first else { return }
        let bytes = Array(input.dropFirst())
        guard let configuration = try? parsers[Int(selector) % parsers.count](bytes) else { return }
        try check(configuration)
    }

    private static let parsers: [@Sendable ([UInt8]) throws -> CodecConfiguration?] = [
        { .avc(try AVCDecoderConfigurationRecord($0)) },
        { .aac(try AudioSpecificConfig($0)) },
        { .hevc(try HEVCDecoderConfigurationRecord($0)) },
        { try AV1CodecConfigurationRecord($0).map(CodecConfiguration.av1) },
        { .av1(try AV1CodecConfigurationRecord(sequenceHeaderPayload: $0)) },
        { bytes in
            let record = try VPCodecConfigurationRecord(Array(bytes.prefix(12)))
            return .vp9(VP9Configuration(record, keyframe: try VP9KeyframeHeader(bytes.dropFirst(12))))
        },
        { .opus(try OpusIdentificationHeader($0)) },
        { .flac(try FLACStreamInfo($0)) },
        { .mp3(try MPEGAudioFormat(frame: $0)) },
        { .ac3(try AC3Configuration(frame: $0)) },
        { .eac3(try EAC3Configuration(accessUnit: $0)) },
    ]

    /// The input for a legacy message that is a sequence header.
    static func input(_ message: RTMPMessage) -> [UInt8]? {
        let bytes = Array(message.payload.readableBytesView)
        guard bytes.count > 5 else { return nil }
        switch (message.typeID, bytes[0]) {
        case (9, 0x17) where bytes[1] == 0: return [0] + bytes.dropFirst(5)
        case (8, 0xA0...0xAF) where bytes[1] == 0: return [1] + bytes.dropFirst(2)
        case (9, 0x90): return [UInt8(bytes[1] == 0x68 ? 2 : bytes[1] == 0x61 ? 3 : 5)] + bytes.dropFirst(5)
        case (8, 0x90): return [UInt8(bytes[1] == 0x4F ? 6 : 7)] + bytes.dropFirst(5)
        case (8, 0x20...0x2F): return [8] + bytes.dropFirst(1).prefix(64)
        case (8, 0x91): return [UInt8(bytes[1] == 0x61 ? 9 : 10)] + bytes.dropFirst(5).prefix(64)
        default: return nil
        }
    }

    static func check(_ configuration: CodecConfiguration) throws {
        if let picture = configuration.picture {
            let allowed = 1...65_536
            try FuzzViolation.unless(
                allowed.contains(picture.width) && allowed.contains(picture.height),
                "\(picture.width)x\(picture.height)"
            )
        }
        if let sound = configuration.sound {
            try FuzzViolation.unless((1...1_048_575).contains(sound.samplingFrequency), "\(sound.samplingFrequency) Hz")
            try FuzzViolation.unless((1...65_536).contains(sound.samplesPerAccessUnit), "\(sound.samplesPerAccessUnit)")
            try FuzzViolation.unless((1...255).contains(sound.channelCount ?? 1), "\(sound.channelCount ?? 0) channels")
        }
        // Printable, and nothing that would end a quoted string of a playlist.
        let codecs = configuration.codecString
        try FuzzViolation.unless(codecs.utf8.allSatisfy { (0x21..<0x7F).contains($0) && $0 != 0x22 }, codecs)
        _ = configuration.silentAccessUnit
    }
}
