import Logging
import NIOCore
import Storage
import TestSupport
import Testing

/// Bytes of several files as if they were of one.
@Suite("File sequence")
struct FileSequenceTests {
    /// Files of these sizes, whose bytes count on from one to the next.
    private func sequence(_ sizes: [Int]) throws -> (FileSequence, MediaStorage, TemporaryFolder) {
        let folder = try TemporaryFolder()
        let storage = try MediaStorage(
            directory: folder.file("media"),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        var next = 0
        let slices = try sizes.enumerated().map { index, size in
            try folder.write("\(index)", [0xFF] + (next..<next + size).map { UInt8(truncatingIfNeeded: $0) } + [0xFF])
            next += size
            return try #require(try storage.keptFile(at: folder.file("\(index)")).slice(offset: 1, length: size))
        }
        return (FileSequence(slices), storage, folder)
    }

    @Test("every range of it is that of the bytes one behind the other")
    func ranges() throws {
        let (sequence, _, folder) = try sequence([5, 0, 1, 7, 0, 0, 4, 0])
        defer { withExtendedLifetime(folder) {} }
        #expect(sequence.length == 17)
        for start in 0...17 {
            for end in start...17 {
                let bytes = try sequence.read(start..<end)
                #expect(Array(bytes.readableBytesView) == (start..<end).map { UInt8($0) })
                // A part of a part.
                let part = sequence.subsequence(start..<17).subsequence(0..<end - start)
                #expect(try part.read(0..<part.length) == bytes)
            }
        }
        #expect(throws: StorageFailure.self) { try sequence.read(3..<18) }
        #expect(sequence.subsequence(12..<99).length == 5)
    }

    @Test("what is read at once lies in one file")
    func chunks() throws {
        let (sequence, _, folder) = try sequence([5, 0, 8])
        defer { withExtendedLifetime(folder) {} }
        var (rest, lengths) = (sequence, [Int]())
        while rest.length > 0, let slice = rest.first(3) {
            lengths.append(slice.length)
            rest = rest.subsequence(slice.length..<rest.length)
        }
        #expect(lengths == [3, 2, 3, 3, 2])
        #expect(rest.first(3)?.length == 0)
    }
}
