// libFuzzer's entry points. FUZZ_TARGET names the target, one of FuzzTarget's cases.
//
// With FUZZ_SEEDS set to a folder the program writes the seeds of its target there instead, made from the recordings of
// real encoders in the folder FUZZ_RECORDINGS.

import Foundation
import FuzzTargets

private let target: FuzzTarget = {
    let name = ProcessInfo.processInfo.environment["FUZZ_TARGET"] ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
        complain("FUZZ_TARGET is '\(name)', expected one of \(FuzzTarget.allCases.map(\.rawValue))")
    }
    return target
}()

/// Called once, before the first input.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(_ argumentCount: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutableRawPointer) -> CInt {
    let environment = ProcessInfo.processInfo.environment
    _ = target
    guard let seeds = environment["FUZZ_SEEDS"], let recordings = environment["FUZZ_RECORDINGS"] else { return 0 }
    do {
        try writeSeeds(from: URL(fileURLWithPath: recordings), to: URL(fileURLWithPath: seeds))
    } catch {
        complain("\(error)")
    }
    // Not `exit`: LeakSanitizer would count what the runtime still holds.
    _exit(0)
}

/// Called for every input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    do {
        try target.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
    } catch {
        fatalError("\(target.rawValue): \(error)")
    }
    return 0
}

private func writeSeeds(from recordings: URL, to folder: URL) throws {
    let files = try FileManager.default.contentsOfDirectory(at: recordings, includingPropertiesForKeys: nil)
    for file in files where file.pathExtension == "rtmp" {
        let recording = Array(try Data(contentsOf: file))
        for (number, seed) in target.seeds(fromRecording: recording).enumerated() {
            let name = "\(file.deletingPathExtension().lastPathComponent)-\(number)"
            try Data(seed).write(to: folder.appendingPathComponent(name))
        }
    }
}

private func complain(_ words: String) -> Never {
    FileHandle.standardError.write(Data("fuzz: \(words)\n".utf8))
    exit(64)
}
