import CLibAV
import MediaCore
import NIOCore
import TestSupport
import Testing

@testable import Packager
@testable import Transcode

/// A file whose streams went through transcoders, all of them, put into fragmented MP4 one second later.
final class TranscodedFile {
    /// Takes what transcoders give.
    final class Sink: AccessUnitSink {
        var tracks: [Track] = []
        var units: [TrackID: [AccessUnit]] = [:]

        func configure(_ track: Track) { tracks.append(track) }
        func receive(_ unit: AccessUnit) { units[unit.trackID, default: []].append(unit) }
        func receive(_ metadata: TimedMetadata) {}
        func finish(_ end: PublishEnd) {}
    }

    /// How much later everything is: the first picture is decoded before it is shown, and MP4 knows no time before zero.
    static let shift = MediaTime.seconds(1)

    let folder: TemporaryFolder
    let sink = Sink()
    var failureCount = 0
    var path: String { folder.file("out.mp4") }

    /// Makes a file and transcodes it.
    ///
    /// - Parameters:
    ///   - name: what ffmpeg makes, which says the container.
    ///   - arguments: its inputs and codecs; none when the file is there.
    ///   - folder: where the file is.
    ///   - damage: changes a packet's bytes.
    /// - Throws: what ffmpeg or the transcoders complain of.
    init(
        _ name: String,
        _ arguments: [String],
        in folder: TemporaryFolder,
        damage: (Int, UnsafeMutableBufferPointer<UInt8>) -> Void = { _, _ in }
    ) async throws {
        self.folder = folder
        if !arguments.isEmpty { try await Tool.ffmpeg(arguments + [folder.file(name)]) }
        try transcode(folder.file(name), damage)
        try folder.write("out.mp4", try mp4())
    }

    private func transcode(_ path: String, _ damage: (Int, UnsafeMutableBufferPointer<UInt8>) -> Void) throws {
        let demuxer = try Demuxer(try FileInput(path, isCancelled: { false }))
        var transcoders: [Int: any TrackTranscoder] = [:]
        for stream in demuxer.streams {
            let track = TrackID(stream.mediaType == AVMEDIA_TYPE_VIDEO ? .video : .audio)
            transcoders[stream.index] = try LibAVTranscoding().makeTranscoder(for: stream, as: track)
        }
        var count = 0
        reading: while true {
            switch try demuxer.next() {
            case .packet(let packet):
                count += 1
                let bytes = UnsafeMutableBufferPointer(start: packet.pointee.data, count: Int(packet.pointee.size))
                damage(count, bytes)
                try transcoders[Int(packet.pointee.stream_index)]?.receive(packet, into: sink)
            case .end, .broken: break reading
            }
        }
        for transcoder in transcoders.values { try transcoder.finish(into: sink) }
        failureCount = transcoders.values.reduce(0) { count, transcoder in
            count + ((transcoder as? VideoTranscoder)?.failureCount ?? 0)
                + ((transcoder as? AudioTranscoder)?.failureCount ?? 0)
        }
    }

    private func mp4() throws -> [UInt8] {
        let entries = sink.tracks.map { ($0, timescale: Int64($0.configuration.sound?.samplingFrequency ?? 90_000)) }
        var file = InitializationSegmentWriter.write(entries.map { (track: $0.0, timescale: $0.timescale) })
        let runs = try entries.map { track, timescale in
            let units = try #require(sink.units[track.id])
            var run = TrackRun(track: track, timescale: timescale)
            for (index, unit) in units.enumerated() {
                let time = (unit.decodeTime + Self.shift).ticks(timescale: timescale)
                let next =
                    index + 1 < units.count
                    ? (units[index + 1].decodeTime + Self.shift).ticks(timescale: timescale) : nil
                let last = run.samples.last?.duration ?? 1
                #expect(next.map { $0 > time } ?? true, "decode times grow")
                run.samples.append(
                    Sample(
                        decodeTime: time,
                        duration: next.map { $0 - time } ?? last,
                        compositionOffset: (unit.decodeTime + unit.compositionOffset + Self.shift)
                            .ticks(timescale: timescale) - time,
                        isSync: unit.isSync,
                        payload: unit.payload
                    )
                )
            }
            return run
        }
        var fragment = MediaSegmentWriter.write(runs, trackIDs: (1...UInt32(runs.count)).map(\.self), sequenceNumber: 1)
        file.writeBuffer(&fragment)
        return Array(file.readableBytesView)
    }

    // MARK: - Judges

    /// Decodes it all; ffmpeg says nothing when all is well.
    func complaints() async throws -> String {
        try await Tool.check("ffmpeg", ["-v", "warning", "-nostdin", "-i", path, "-f", "null", "-"]).standardError
    }

    /// What ffprobe says of the tracks, by codec type.
    func tracks() async throws -> [String: [String: String]] {
        let text = try await Tool.check(
            "ffprobe",
            [
                "-v", "error", "-show_entries",
                "stream=codec_type,codec_name,profile,pix_fmt,width,height,sample_rate,channels,r_frame_rate,sample_aspect_ratio,color_space,color_transfer,color_range",
                "-of", "compact=p=0", path,
            ]
        ).text
        var tracks: [String: [String: String]] = [:]
        for line in text.split(separator: "\n") {
            var fields: [String: String] = [:]
            for field in line.split(separator: "|") {
                let parts = field.split(separator: "=", maxSplits: 1)
                if parts.count == 2 { fields[String(parts[0])] = String(parts[1]) }
            }
            tracks[fields["codec_type"] ?? ""] = fields
        }
        return tracks
    }

    /// How alike the pictures are to those of the file that was transcoded, in dB, by libavfilter.
    func psnr(to name: String, _ filter: String = "null") async throws -> Double {
        let output = try await Tool.check(
            "ffmpeg",
            [
                "-hide_banner", "-nostdin", "-i", path, "-i", folder.file(name), "-lavfi",
                "[0:v]setpts=PTS-STARTPTS[a];[1:v]setpts=PTS-STARTPTS,\(filter),format=yuv420p[b];[a][b]psnr", "-f",
                "null", "-",
            ]
        ).standardError
        let average = try #require(output.split(separator: "average:").last?.split(separator: " ").first)
        return average == "inf" ? 100 : try #require(Double(average))
    }

    /// When a file becomes bright and when it becomes loud, in seconds.
    static func flashesAndBeeps(_ path: String, _ shift: MediaTime) async throws -> (flashes: [Double], beeps: [Double])
    {
        func onsets(_ filter: String, _ tag: String, above threshold: Double) async throws -> [Double] {
            let text = try await Tool.check(
                "ffprobe",
                [
                    "-v", "error", "-f", "lavfi", filter, "-show_entries", "frame=pts_time:frame_tags=\(tag)", "-of",
                    "csv=p=0",
                ]
            ).text
            var onsets: [Double] = []
            var isOn = false
            for line in text.split(separator: "\n") {
                let fields = line.split(separator: ",")
                guard let time = fields.first.flatMap({ Double($0) }) else { continue }
                let value = fields.dropFirst().first.flatMap { Double($0) } ?? -.infinity
                if value > threshold, !isOn { onsets.append(time - shift.seconds) }
                isOn = value > threshold
            }
            return onsets
        }
        return (
            try await onsets("movie=\(path),signalstats", "lavfi.signalstats.YAVG", above: 120),
            try await onsets(
                "amovie=\(path),aresample=48000,asetnsamples=48,astats=metadata=1:reset=1",
                "lavfi.astats.Overall.RMS_level",
                above: -30
            )
        )
    }
}
