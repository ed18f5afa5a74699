import MediaCore
import NIOCore

@testable import Packager

/// Media made up for the packager's tests: configurations that real encoders write, payloads that say where they
/// belong.
enum Media {
    static let video = TrackID(.video)
    static let audio = TrackID(.audio)

    /// avcC of `ffmpeg -f lavfi -i testsrc=s=1280x720:r=30 -pix_fmt yuv420p -c:v libx264 -profile:v high -level 3.1`.
    static let avcC720: [UInt8] = [
        0x01, 0x64, 0x00, 0x1F, 0xFF, 0xE1, 0x00, 0x1A, 0x67, 0x64, 0x00, 0x1F, 0xAC, 0xD9, 0x40, 0x50, 0x05, 0xBB,
        0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0xC0, 0xF1, 0x83, 0x19, 0x60, 0x01, 0x00,
        0x06, 0x68, 0xEB, 0xE3, 0xCB, 0x22, 0xC0, 0xFD, 0xF8, 0xF8, 0x00,
    ]
    /// The same with `s=320x240`, `-profile:v baseline -level 1.3`.
    static let avcC240: [UInt8] = [
        0x01, 0x42, 0xC0, 0x0D, 0xFF, 0xE1, 0x00, 0x18, 0x67, 0x42, 0xC0, 0x0D, 0xD9, 0x01, 0x41, 0xFB, 0x01, 0x10,
        0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0xC0, 0xF1, 0x42, 0xA4, 0x80, 0x01, 0x00, 0x05, 0x68,
        0xCB, 0x83, 0xCB, 0x20,
    ]

    /// hvcC of libx265, 128x96.
    static let hvcC: [UInt8] = [
        0x01, 0x01, 0x60, 0x00, 0x00, 0x00, 0x90, 0x00, 0x00, 0x00, 0x00, 0x00, 0x1E, 0xF0, 0x00, 0xFC, 0xFD, 0xF8,
        0xF8, 0x00, 0x00, 0x0F, 0x03, 0x20, 0x00, 0x01, 0x00, 0x18, 0x40, 0x01, 0x0C, 0x01, 0xFF, 0xFF, 0x01, 0x60,
        0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x1E, 0x95, 0x94, 0x09, 0x21, 0x00,
        0x01, 0x00, 0x29, 0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00,
        0x03, 0x00, 0x1E, 0xA0, 0x10, 0x20, 0x61, 0x65, 0x95, 0x95, 0x29, 0x30, 0xBC, 0x05, 0xA0, 0x20, 0x00, 0x00,
        0x03, 0x00, 0x20, 0x00, 0x00, 0x03, 0x01, 0xE1, 0x22, 0x00, 0x01, 0x00, 0x06, 0x44, 0x01, 0xC0, 0x73, 0xC1,
        0x89,
    ]

    static func avc(_ record: [UInt8] = avcC720) throws -> Track {
        Track(id: video, configuration: .avc(try AVCDecoderConfigurationRecord(record)))
    }

    /// AAC-LC of 48 kHz (index 3) or 44.1 kHz (index 4), two channels.
    static func aac(frequencyIndex: UInt8 = 3) throws -> Track {
        let bytes: [UInt8] = [0x10 | frequencyIndex >> 1, frequencyIndex << 7 | 0x10]
        return Track(id: audio, configuration: .aac(try AudioSpecificConfig(bytes)))
    }

    static func picture(_ milliseconds: Int64, sync: Bool = false, offset: Int64 = 0, size: Int = 100) -> AccessUnit {
        AccessUnit(
            trackID: video,
            decodeTime: .milliseconds(milliseconds),
            compositionOffset: .milliseconds(offset),
            isSync: sync,
            payload: ByteBuffer(repeating: UInt8(truncatingIfNeeded: milliseconds), count: size)
        )
    }

    static func sound(_ milliseconds: Int64, size: Int = 20) -> AccessUnit {
        AccessUnit(
            trackID: audio,
            decodeTime: .milliseconds(milliseconds),
            isSync: true,
            payload: ByteBuffer(repeating: 0xAA, count: size)
        )
    }

    /// Pictures at a rate from a clock in whole milliseconds, as RTMP has it, with a sync picture every `group` pictures.
    static func pictures(
        from start: Int64 = 0,
        count: Int,
        rate: Double = 30,
        group: Int,
        firstIsSync: Bool = true
    ) -> [AccessUnit] {
        (0..<count).map { index in
            let time = start + Int64((Double(index) * 1000 / rate).rounded())
            return picture(time, sync: index % group == 0 && (index > 0 || firstIsSync))
        }
    }

    /// AAC frames of 1024 samples at 48 kHz from a clock in whole milliseconds.
    static func sounds(from start: Int64 = 0, count: Int, rate: Double = 48_000) -> [AccessUnit] {
        (0..<count).map { sound(start + Int64((Double($0) * 1024_000 / rate).rounded(.down))) }
    }

    /// The units of several tracks in the order an encoder interleaves them.
    static func interleaved(_ tracks: [AccessUnit]...) -> [AccessUnit] {
        tracks.joined().enumerated()
            .sorted { ($0.element.decodeTime, $0.offset) < ($1.element.decodeTime, $1.offset) }
            .map(\.element)
    }
}

/// Several tracks of a kind.
extension Media {
    /// The video track of a number.
    static func video(_ index: UInt8, _ record: [UInt8] = avcC720) throws -> Track {
        Track(id: TrackID(.video, index: index), configuration: try avc(record).configuration)
    }

    /// The audio track of a number.
    static func audio(_ index: UInt8, frequencyIndex: UInt8 = 3) throws -> Track {
        Track(id: TrackID(.audio, index: index), configuration: try aac(frequencyIndex: frequencyIndex).configuration)
    }

    /// Access units as another track of their kind has them: later by some time, and shown later after decoding.
    static func units(
        _ units: [AccessUnit],
        as index: UInt8,
        later: Int64 = 0,
        offset: Int64 = 0
    ) -> [AccessUnit] {
        units.map { unit in
            AccessUnit(
                trackID: TrackID(unit.trackID.kind, index: index),
                decodeTime: unit.decodeTime + .milliseconds(later),
                compositionOffset: unit.compositionOffset + .milliseconds(offset),
                isSync: unit.isSync,
                payload: unit.payload
            )
        }
    }
}

/// A segment of one part.
extension PartDraft {
    var startsEpoch: Bool { parent.startsEpoch }
    var isForcedCut: Bool { ending?.isForcedCut ?? false }
    var holdsPicture: Bool { ending?.holdsPicture ?? false }
}
