import Foundation
import TestSupport
import Testing

/// What the fuzzers of the Fuzz package run without end, once over the inputs that matter.
@Suite("Fuzz targets")
struct FuzzTargetTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    @Test("every property holds for every seed that is made of a real encoder's bytes", arguments: FuzzTarget.allCases)
    func seeds(target: FuzzTarget) throws {
        let recordings = try files(in: "fixtures/rtmp").filter { $0.pathExtension == "rtmp" }
        #expect(!recordings.isEmpty)
        for recording in recordings {
            let seeds = target.seeds(fromRecording: Array(try Data(contentsOf: recording)))
            #expect(!seeds.isEmpty, "\(recording.lastPathComponent)")
            for seed in seeds { try target.run(seed) }
        }
    }

    @Test("every input that ever failed passes", arguments: FuzzTarget.allCases)
    func failures(target: FuzzTarget) throws {
        for file in try files(in: "Fuzz/Failures/\(target.rawValue)") {
            do {
                try target.run(Array(try Data(contentsOf: file)))
            } catch {
                Issue.record("\(file.lastPathComponent): \(error)")
            }
        }
    }

    @Test("every property holds for seeds with bytes changed and cut off", arguments: FuzzTarget.allCases)
    func mutations(target: FuzzTarget) throws {
        var random = SplitMix64(seed: 0x4C79_6365_756D)
        let recording = try #require(try files(in: "fixtures/rtmp").first { $0.lastPathComponent == "ffmpeg.rtmp" })
        for seed in target.seeds(fromRecording: Array(try Data(contentsOf: recording))) {
            for _ in 0..<40 {
                var input = Array(seed.prefix(Int.random(in: 0...seed.count, using: &random)))
                for _ in 0..<4 where !input.isEmpty {
                    input[Int.random(in: input.indices, using: &random)] = .random(in: 0...255, using: &random)
                }
                try target.run(input)
            }
        }
    }

    private func files(in folder: String) throws -> [URL] {
        let folder = Self.root.appendingPathComponent(folder)
        guard FileManager.default.fileExists(atPath: folder.path) else { return [] }
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    }
}
