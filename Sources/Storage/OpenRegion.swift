public import NIOCore

/// Bytes of an open file on their way into a connection, which the system sends out of its page cache (sendfile(2)).
///
/// To be held until they are sent or given up: only as long is the file open, and there.
public final class OpenRegion: Sendable {
    /// What is given to the connection.
    ///
    /// Only one event loop at a time may use it: each reader has a region of its own.
    public let region: FileRegion

    private let file: ReadableFile
    /// Keeps the file from being removed.
    private let slice: FileSlice

    init(_ slice: FileSlice, in file: ReadableFile) {
        self.slice = slice
        self.file = file
        region = file.region(slice.offset..<slice.offset + slice.length)
    }

    deinit {
        // The descriptor is the file's, which all its readers share.
        _ = try? region.fileHandle.takeDescriptorOwnership()
    }

    /// How many bytes there are.
    public var length: Int { slice.length }

    /// Whether the file still has all the bytes.
    ///
    /// The system sends nothing of what somebody else has cut off, and calls that no error. Blocks.
    public var isWhole: Bool {
        guard let byteCount = try? file.byteCount() else { return false }
        return byteCount >= region.endIndex
    }
}
