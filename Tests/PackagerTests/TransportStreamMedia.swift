import MediaCore
import NIOCore
import TestSupport
import Testing

@testable import Packager

/// Segments made up for the tests of transport streams, with what is in them kept apart.
struct StoredMedia {
    let initialization: ByteBuffer
    let tracks: [(track: Track, timescale: Int64)]
    /// For each segment, its parts' runs.
    private(set) var segments: [[[TrackRun]]] = []

    init(_ tracks: [Track]) {
        self.tracks = tracks.map { ($0, Int64($0.configuration.sound?.samplingFrequency ?? 90_000)) }
        initialization = InitializationSegmentWriter.write(self.tracks)
    }

    /// Adds a segment of parts, each with the samples of each track.
    mutating func append(_ parts: [[[Sample]]]) {
        segments.append(
            parts.map { samples in
                zip(tracks, samples).filter { !$1.isEmpty }
                    .map { TrackRun(track: $0.track, timescale: $0.timescale, samples: $1) }
            }
        )
    }

    /// The stored bytes of a segment: a piece a part.
    func pieces(_ index: Int) -> [ByteBuffer] {
        segments[index].map { runs in
            MediaSegmentWriter.write(
                runs,
                trackIDs: runs.map { run in UInt32((tracks.firstIndex { $0.track == run.track } ?? 0) + 1) },
                sequenceNumber: 1
            )
        }
    }

    /// The samples of a track in a segment.
    func samples(_ index: Int, _ kind: MediaKind) -> [Sample] {
        segments[index].flatMap { $0 }.filter { $0.track.id.kind == kind }.flatMap(\.samples)
    }

    /// A segment as a transport stream.
    func transportStream(_ index: Int) throws -> [UInt8] {
        let segment = try TransportStreamSegment(initialization: initialization, pieces: pieces(index))
        return Array(segment.bytes.readableBytesView)
    }
}

extension Sample {
    init(at time: Int64, for duration: Int64, offset: Int64 = 0, isSync: Bool = true, _ payload: [UInt8]) {
        self.init(
            decodeTime: time,
            duration: duration,
            compositionOffset: offset,
            isSync: isSync,
            payload: ByteBuffer(bytes: payload)
        )
    }
}

extension Media {
    /// NAL units, each after its length.
    static func lengthPrefixed(_ units: [[UInt8]]) -> [UInt8] {
        units.flatMap { unit in withUnsafeBytes(of: UInt32(unit.count).bigEndian, Array.init) + unit }
    }

    /// A NAL unit of a type of H.264, whose bytes can stand in a byte stream.
    static func unit(_ header: UInt8, size: Int, using random: inout SplitMix64) -> [UInt8] {
        let block = (0..<min(max(0, size - 1), 509)).map { _ in UInt8.random(in: 1...255, using: &random) }
        var unit = [header]
        while unit.count < size { unit += block.prefix(size - unit.count) }
        return unit
    }

    static func hevc() throws -> Track {
        Track(id: video, configuration: .hevc(try HEVCDecoderConfigurationRecord(hvcC)))
    }

    /// MP3 of 48 kHz: the header of a frame says it.
    static func mp3() throws -> Track {
        Track(id: audio, configuration: .mp3(try MPEGAudioFormat(frame: [0xFF, 0xFB, 0x94, 0x00] as [UInt8])))
    }
}
