import TestSupport

/// What ffprobe and ffmpeg find in a file.
struct ProbedFile {
    struct Packet: Hashable {
        let stream: Int
        /// In seconds.
        let presentationTime: Double
        let decodeTime: Double
        let hash: String
        /// Whether it is decoded and not shown.
        let isDiscarded: Bool
    }

    struct Stream: Hashable {
        let kind: String
        let codec: String
        let language: String
    }

    let streams: [Stream]
    let packets: [Packet]
    /// In seconds.
    let duration: Double
    let title: String
    /// What a full decoding complains of.
    let complaints: String

    init(_ path: String) async throws {
        let packets = try await Tool.check(
            "ffprobe",
            [
                "-v", "error", "-show_data_hash", "crc32",
                "-show_entries", "packet=stream_index,pts_time,dts_time,data_hash,flags", "-of", "csv=p=0", path,
            ]
        )
        self.packets = packets.text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            guard fields.count >= 5, let stream = Int(fields[0]) else { return nil }
            return Packet(
                stream: stream,
                presentationTime: Double(fields[1]) ?? .nan,
                decodeTime: Double(fields[2]) ?? .nan,
                hash: fields[4],
                isDiscarded: fields[3].contains("D")
            )
        }
        let about = try await Tool.check(
            "ffprobe",
            [
                "-v", "error", "-show_entries",
                "stream=codec_type,codec_name:stream_tags=language:format=duration:format_tags=title", "-of",
                "default=nk=0", path,
            ]
        )
        var values: [String: [String]] = [:]
        for line in about.text.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
            if parts.count == 2 { values[parts[0], default: []].append(parts[1]) }
        }
        let languages = values["TAG:language"] ?? []
        streams = zip(values["codec_type"] ?? [], values["codec_name"] ?? []).enumerated().map { index, names in
            Stream(kind: names.0, codec: names.1, language: index < languages.count ? languages[index] : "")
        }
        duration = values["duration"]?.last.flatMap(Double.init) ?? .nan
        title = values["TAG:title"]?.first ?? ""
        let decoding = try await Tool.run(
            "ffmpeg",
            ["-v", "error", "-nostdin", "-i", path, "-map", "0", "-f", "null", "-"]
        )
        complaints = packets.standardError + about.standardError + decoding.standardError
    }

    func packets(of stream: Int) -> [Packet] { packets.filter { $0.stream == stream } }
}
