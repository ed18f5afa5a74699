public import NIOCore
internal import Synchronization

/// Where one rendition of a live is written, segment behind segment.
///
/// Its files have a size at which the log goes on in the next one; a segment never spans two. A file is removed when the log
/// has gone on and nobody holds any ``FiledBytes`` or ``FileSlice`` of it.
public final class MediaLog: Sendable {
    private struct State {
        /// The file that is appended to.
        var file: MediaFile?
        var fileCount = 0
    }

    private let storage: MediaStorage
    /// What the paths of its files begin with.
    private let stem: String
    /// Only the writer's thread uses it.
    private let state = Mutex(State())

    init(storage: MediaStorage, stem: String) {
        self.storage = storage
        self.stem = stem
    }

    /// Has bytes written behind all that were appended before.
    ///
    /// Returns at once; for any thread. Never fails: what the disk does not take is lost.
    ///
    /// - Parameter pieces: the bytes, one piece behind the other. They are held, not copied, until they are written.
    /// - Returns: what tells where they are.
    public func append(_ pieces: [ByteBuffer]) -> FiledBytes {
        let bytes = FiledBytes(byteCount: pieces.reduce(0) { $0 + $1.readableBytes })
        let isTaken = storage.enqueue(
            bytes.byteCount,
            { () throws(StorageFailure) in
                bytes.settle(try self.write(pieces, byteCount: bytes.byteCount))
                return true
            },
            orElse: { bytes.settle(nil) }
        )
        if !isTaken { bytes.settle(nil) }
        return bytes
    }

    /// Writes bytes to the newest file, or to a new one where that is full or has failed.
    private func write(_ pieces: [ByteBuffer], byteCount: Int) throws(StorageFailure) -> FileSlice {
        let newest = state.withLock { $0.file }
        let room = newest.map { storage.limits.fileSize - $0.byteCount } ?? 0
        let file = newest.flatMap { byteCount <= room ? $0 : nil } ?? makeFile()
        do throws(StorageFailure) {
            let slice = try file.append(pieces, byteCount: byteCount)
            keep(file)
            return slice
        } catch {
            // Whatever is wrong with it, the next segment begins with a new one.
            keep(nil)
            throw error
        }
    }

    private func makeFile() -> MediaFile {
        let number = state.withLock { state in
            state.fileCount += 1
            return state.fileCount
        }
        return storage.file(at: "\(stem)-\(number)")
    }

    private func keep(_ file: MediaFile?) {
        let old = state.withLock { state in
            let old = state.file
            state.file = file
            return old
        }
        _ = consume old
    }
}

/// The names of logs as paths below the storage's folder.
enum LogName {
    /// No file system takes longer names than 255 bytes; an escaped byte takes three, and a number is added.
    private static let longestComponent = 200
    /// Deep enough for `STREAM/TAG/RENDITION`.
    private static let mostComponents = 8

    /// A name whose components are safe, each a name of letters, digits, `-`, `_` and dots that are not its first byte.
    ///
    /// Other bytes are escaped as in URIs (RFC 3986 §2.1), so two names stay two; what is too long is cut off, and empty
    /// components are left out.
    static func path(_ name: String) -> String {
        let components = name.utf8.split(separator: UInt8(ascii: "/")).prefix(mostComponents).map(component)
        return components.isEmpty ? "unnamed" : components.joined(separator: "/")
    }

    private static func component(_ bytes: Substring.UTF8View) -> String {
        var text = ""
        for (index, byte) in bytes.enumerated() {
            let isPlain =
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                case UInt8(ascii: "."): index > 0
                default: false
                }
            let digits = String(byte, radix: 16, uppercase: true)
            text += isPlain ? String(UnicodeScalar(byte)) : "%" + (digits.utf8.count < 2 ? "0" : "") + digits
            if text.utf8.count >= longestComponent { break }
        }
        return text
    }
}
