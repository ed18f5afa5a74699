internal import NIOCore
internal import Recordings
internal import Storage

/// The prepared beginning of a download, `download-m0.moov` in the recording's folder, and where the rest of it lies.
///
/// ```
/// beginning     ftyp, moov and the header of mdat: the first bytes of the download
/// pieces        for each: number of the rendition, number of its media file, offset, length
/// footer        what the file was made of, and the lengths of all this
/// ```
enum DownloadFile {
    /// What the end of such a file says.
    struct Footer: Hashable {
        /// Tells what the file was made of.
        var fingerprint: UInt64
        var beginningLength: UInt64
        var mediaLength: UInt64
        var pieceCount: UInt64
    }

    private static let magic: UInt64 = 0x4C79_634D_6F6F_7631  // "LycMoov1"
    private static let footerSize = 40
    private static let pieceSize = 24
    /// More pieces than any download has: those of all turns of as many tracks as a file may have.
    private static let mostPieces: UInt64 = 1 << 20

    /// The name of the file for some renditions.
    static func name(of key: String) -> String { "download-\(key).moov" }

    /// Writes what stands behind the beginning.
    static func writeEnd(
        of layout: DownloadLayout,
        _ footer: Footer,
        to file: inout NewFile
    ) throws(StorageFailure) {
        for piece in layout.pieces {
            var bytes = ByteBuffer()
            bytes.writeMultipleIntegers(UInt32(piece.source), piece.file, piece.offset, piece.length)
            try file.write(bytes)
        }
        var bytes = ByteBuffer()
        bytes.writeMultipleIntegers(
            footer.fingerprint,
            footer.beginningLength,
            footer.mediaLength,
            footer.pieceCount,
            magic
        )
        try file.write(bytes)
    }

    /// Reads what stands behind the beginning.
    ///
    /// - Returns: the footer and the pieces; `nil` for a file that is not whole, or is none of these.
    static func readEnd(of file: KeptFile) throws(StorageFailure) -> (footer: Footer, pieces: [DownloadLayout.Piece])? {
        guard let end = file.slice(offset: file.byteCount - footerSize, length: footerSize) else { return nil }
        var bytes = try end.read(0..<footerSize)
        guard
            let (fingerprint, beginning, media, count, seen) =
                bytes.readMultipleIntegers(as: (UInt64, UInt64, UInt64, UInt64, UInt64).self),
            seen == magic, count <= mostPieces, beginning <= UInt64(file.byteCount),
            beginning + count * UInt64(pieceSize) + UInt64(footerSize) == UInt64(file.byteCount),
            let list = file.slice(offset: Int(beginning), length: Int(count) * pieceSize)
        else { return nil }
        var records = try list.read(0..<list.length)
        var pieces: [DownloadLayout.Piece] = []
        pieces.reserveCapacity(Int(count))
        while let (source, number, offset, length) = records.readMultipleIntegers(
            as: (UInt32, UInt32, UInt64, UInt64).self
        ) {
            pieces.append(
                DownloadLayout.Piece(source: Int(source), file: number, offset: offset, length: length)
            )
        }
        let footer = Footer(
            fingerprint: fingerprint,
            beginningLength: beginning,
            mediaLength: media,
            pieceCount: count
        )
        return (footer, pieces)
    }
}

/// Tells whether two things are the same without keeping either: FNV-1a of 64 bits.
///
/// Nobody gains anything by a collision of their own making.
struct Fingerprint {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }

    mutating func add(_ text: String) {
        add(text.utf8)
        add(CollectionOfOne(0))
    }

    mutating func add(_ number: Int64) {
        for shift in stride(from: 0, to: 64, by: 8) { add(CollectionOfOne(UInt8(truncatingIfNeeded: number >> shift))) }
    }
}
