import Logging
import MediaCore
import NIOCore
import TestSupport
import Testing

@testable import LiveStore
@testable import Storage

/// Where the segments of a window lie: the newest in memory, the rest on disk, and none in the list that is nowhere.
@Suite("Window on disk")
struct WindowOnDiskTests {
    /// A minute is listed, ten seconds of it from memory.
    private static let limits = LiveWindow.Limits(duration: .seconds(60), memory: .seconds(10), minimumSegments: 3)

    private let folder: TemporaryFolder
    private let storage: MediaStorage
    private let log: MediaLog

    init() throws {
        folder = try TemporaryFolder()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        storage = try MediaStorage(directory: folder.file("media"), logger: logger)
        log = storage.makeLog(named: "main/a/m0")
    }

    /// A segment of 2 s that is on its way to the disk.
    private func filed(_ number: Int, isDiscontinuous: Bool = false, map: Bool = false) -> MediaSegment {
        let body = ByteBuffer(string: "a-\(number).m4s")
        return numbered(number, log.append([body]), isDiscontinuous: isDiscontinuous, map: map)
    }

    private func numbered(
        _ number: Int,
        _ filed: FiledBytes?,
        isDiscontinuous: Bool = false,
        map: Bool = false
    ) -> MediaSegment {
        MediaSegment(
            mediaSequenceNumber: number,
            duration: .seconds(2),
            programDateTime: WallClockTime(milliseconds: Int64(number) * 2000),
            isIndependent: true,
            isDiscontinuous: isDiscontinuous,
            initialization: stored("a-init-0.mp4", .initializationSegment),
            resource: stored("a-\(number).m4s"),
            filed: filed,
            lines: MediaSegment.Lines(
                opening: ByteBuffer(string: "open \(number)\n"),
                closing: ByteBuffer(string: "close \(number)\n"),
                dateRanges: number.isMultiple(of: 50) ? ByteBuffer(string: "range \(number)\n") : ByteBuffer(),
                statesMap: map
            )
        )
    }

    private func found(_ number: Int, in window: LiveWindow) -> String {
        switch window.resource(.segment(number), named: "a-\(number).m4s") {
        case nil: "nothing"
        case .held(let resource, _): "memory: \(String(buffer: resource.body))"
        case .filed(let resource, _):
            "disk: "
                + ((try? resource.bytes.slice?.read(0..<resource.bytes.byteCount)).map { String(buffer: $0) } ?? "")
        }
    }

    @Test("older segments are read from disk, the newest from memory, and both are listed without a gap")
    func twoPlaces() async throws {
        var window = LiveWindow()
        for number in 0..<200 {
            window.append(filed(number), limits: Self.limits)
            await storage.flush()
            let first = window.mediaSequence
            #expect(first == max(0, number - 29))
            let listed = window.pastSegments.map(\.mediaSequenceNumber) + window.heldSegments.map(\.mediaSequenceNumber)
            #expect(listed == Array(first...number))
            #expect(window.heldSegments.count <= 6)
            for listed in listed { #expect(found(listed, in: window).hasSuffix(": a-\(listed).m4s")) }
        }
        #expect(found(199, in: window).hasPrefix("memory") && found(180, in: window).hasPrefix("disk"))
        // Removed ones stay for their own length and a playlist's; then they go, in blocks.
        #expect(found(140, in: window) == "disk: a-140.m4s" && found(100, in: window) == "nothing")
        #expect(storage.figures.bytesOnDisk > 0)
    }

    @Test("the lines of a long list are those of its segments, in pieces that the next versions share")
    func lines() async throws {
        let limits = LiveWindow.Limits(duration: .seconds(600), memory: .seconds(10), minimumSegments: 3)
        var window = LiveWindow()
        var shared: [ObjectIdentifier: Int] = [:]
        for number in 0..<700 {
            window.append(filed(number, isDiscontinuous: number == 100, map: number == 400), limits: limits)
            await storage.flush()
            let past = window.pastSegments.map(\.mediaSequenceNumber)
            let texts = window.pastTexts
            let expected = past.map { "open \($0)\nclose \($0)\n" }.joined()
            #expect(texts.map { String(buffer: $0.bytes) }.joined() == expected, "at \(number)")
            let ranges = past.filter { $0.isMultiple(of: 50) }.map { "range \($0)\n" }.joined()
            #expect(window.pastDateRangeLines.map { String(buffer: $0) }.joined() == ranges)
            for text in texts where text.isLasting { shared[ObjectIdentifier(text), default: 0] += 1 }
            if case .segments(let first)? = texts.first?.role { #expect(first == window.mediaSequence) }
            #expect((window.initializationInForce == nil) == (window.mediaSequence == 400))
        }
        #expect(shared.count == 700 / PastSegments.blockSize)
        #expect(shared.values.contains { $0 > 200 }, "each is in hundreds of versions")
        #expect(window.discontinuitySequence == 1)
    }

    @Test("a segment waits in memory for a slow disk, and stays listed")
    func slowDisk() async throws {
        var window = LiveWindow()
        let waiting = FiledBytes(byteCount: 7)
        window.append(numbered(0, waiting), limits: Self.limits)
        for number in 1..<20 { window.append(filed(number), limits: Self.limits) }
        await storage.flush()
        #expect(window.mediaSequence == 0 && window.heldSegments.count == 20)
        let arrived = log.append([ByteBuffer(string: "a-0.m4s")])
        await storage.flush()
        waiting.settle(arrived.slice)
        window.append(filed(20), limits: Self.limits)
        #expect(window.mediaSequence == 0 && window.heldSegments.count <= 6)
    }

    @Test("what the disk did not take leaves the list with all before it, and then memory; what comes later stays")
    func lostSegments() async throws {
        var window = LiveWindow()
        for number in 0..<10 { window.append(filed(number), limits: Self.limits) }
        await storage.flush()
        let lost = FiledBytes(byteCount: 7)
        lost.settle(nil)
        window.append(numbered(10, lost), limits: Self.limits)
        for number in 11..<16 {
            #expect(window.mediaSequence == 0)
            window.append(filed(number), limits: Self.limits)
            await storage.flush()
        }
        #expect(window.mediaSequence == 11, "it is ten seconds old")
        #expect(found(10, in: window).hasPrefix("memory"), "for those who have the list")
        #expect(found(3, in: window).hasPrefix("disk"))
        for number in 16..<40 {
            window.append(filed(number), limits: Self.limits)
            await storage.flush()
        }
        #expect(found(10, in: window) == "nothing" && window.heldSegments.count <= 6)
        #expect(window.mediaSequence == 11)
        for number in window.mediaSequence..<40 { #expect(found(number, in: window).hasSuffix("a-\(number).m4s")) }
    }

    @Test("without a disk the list reaches back as far as memory, which holds twice as much and no more")
    func noDisk() {
        var window = LiveWindow()
        for number in 0..<100 {
            window.append(numbered(number, nil), limits: Self.limits)
            #expect(window.mediaSequence == max(0, number - 4))
            for promised in max(0, number - 9)...number { #expect(found(promised, in: window).hasPrefix("memory")) }
            if number >= 20 { #expect(found(number - 14, in: window) == "nothing") }
        }
    }

    @Test("of an event's list nothing is ever removed, whatever the disk does")
    func event() async throws {
        let limits = LiveWindow.Limits(duration: nil, memory: .seconds(10), minimumSegments: 3)
        var window = LiveWindow()
        for number in 0..<300 {
            let lost = FiledBytes(byteCount: 7)
            lost.settle(nil)
            window.append(number == 50 ? numbered(number, lost) : filed(number), limits: limits)
            await storage.flush()
            #expect(window.mediaSequence == 0 && window.heldSegments.count <= 6)
        }
        #expect(
            window.pastSegments.map(\.mediaSequenceNumber) + window.heldSegments.map(\.mediaSequenceNumber)
                == Array(0..<300)
        )
        #expect(found(50, in: window) == "nothing", "it is nowhere")
        #expect(found(0, in: window) == "disk: a-0.m4s" && found(299, in: window).hasPrefix("memory"))
    }
}
