public import NIOCore
public import Storage

/// Files that are made of another file of a recording and kept beside it, such as the compressed form of a playlist.
///
/// One has the modification time of what it was made of: where they differ, the other file was exchanged since.
extension Recording {
    /// How much is read at once, in bytes.
    private static let pieceSize = 64 << 10

    /// A file that was made of another one as that is now; `nil` when there is none.
    ///
    /// Blocks.
    public func derivedFile(named name: String, of source: KeptFile) -> KeptFile? {
        guard let file = try? file(named: name), file.modificationTime == source.modificationTime else { return nil }
        return file
    }

    /// Makes a file of another one, piece by piece.
    ///
    /// Blocks. Not to be called for the same name twice at a time.
    ///
    /// - Parameters:
    ///   - name: the new file's name.
    ///   - source: what it is made of.
    ///   - transform: makes the next bytes of the next bytes of the source, of which it is told whether they are the last.
    /// - Throws: ``StorageFailure`` when the disk does not give or take them; then there is no new file.
    public func makeDerivedFile(
        named name: String,
        of source: KeptFile,
        _ transform: (ByteBuffer, _ isLast: Bool) -> ByteBuffer
    ) throws(StorageFailure) {
        var file = try NewFile(replacing: "\(folder)/\(name)")
        let whole = source.whole
        var offset = 0
        repeat {
            let end = min(whole.length, offset + Self.pieceSize)
            try file.write(transform(try whole.read(offset..<end), end == whole.length))
            offset = end
        } while offset < whole.length
        try file.complete(modificationTime: source.modificationTime)
    }
}
