import Foundation
import NIOCore

/// A file with little in it that is far apart.
struct SparseFile {
    private var pieces: [(offset: Int, bytes: ByteBuffer)] = []
    var length = 0

    mutating func write(_ bytes: ByteBuffer, at offset: Int) {
        pieces.append((offset, bytes))
        length = max(length, offset + bytes.readableBytes)
    }

    /// Makes the file.
    func write(to path: String) throws {
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        for piece in pieces {
            try file.seek(toOffset: UInt64(piece.offset))
            try file.write(contentsOf: Data(piece.bytes.readableBytesView))
        }
        try file.truncate(atOffset: UInt64(length))
        try file.close()
    }
}
