internal import Glibc
internal import LiveStore
internal import NIOCore
internal import Recordings
internal import Storage

/// Gives a clip the media of its recording.
struct MediaLinks: Sendable {
    /// How much is copied at once, in bytes.
    private static let chunkSize = 1 << 20

    /// Hard links, and copies on file systems that have none.
    static let hard = MediaLinks { old, new in Glibc.link(old, new) == 0 ? 0 : errno }

    /// Gives a file a further name; returns 0 or the number of the error.
    let link: @Sendable (_ old: String, _ new: String) -> Int32
    /// How many bytes a file of copied media has at most, unless one segment has more.
    var fileSize: UInt64 = 64 << 20

    /// Places a rendition's media in the clip's folder.
    ///
    /// - Returns: the rendition as it lies there.
    func place(
        _ rendition: ClipRendition,
        of id: Rendition.ID,
        from source: Recording,
        in clip: Recording
    ) throws(StorageFailure) -> ClipRendition {
        for (old, new) in rendition.files {
            let oldPath = "\(source.folder)/\(RecordingFolder.media(of: id, number: old))"
            let newPath = "\(clip.folder)/\(RecordingFolder.media(of: id, number: new))"
            let code = link(oldPath, newPath)
            if code == 0 { continue }
            guard Self.means(code: code) else { throw .system(operation: "link", path: oldPath, code: code) }
            for number in rendition.files.values {
                unlink("\(clip.folder)/\(RecordingFolder.media(of: id, number: number))")
            }
            return try copy(rendition, of: id, from: source, in: clip)
        }
        return rendition
    }

    /// Whether the file system takes no link, or no further one, of a file that is there (link(2)).
    private static func means(code: Int32) -> Bool {
        [EXDEV, EPERM, EMLINK, EOPNOTSUPP, ENOSYS, EACCES].contains(code)
    }

    private func copy(
        _ rendition: ClipRendition,
        of id: Rendition.ID,
        from source: Recording,
        in clip: Recording
    ) throws(StorageFailure) -> ClipRendition {
        let packed = rendition.packed(fileSize: fileSize)
        let originals = Dictionary(rendition.files.map { ($1, $0) }) { first, _ in first }
        let pairs = zip(rendition.locations, packed.locations).filter { !$0.0.isLost }
        for number in Set(pairs.map(\.1.file)).sorted() {
            let name = RecordingFolder.media(of: id, number: number)
            var file = try NewFile(replacing: "\(clip.folder)/\(name)")
            for (old, new) in pairs where new.file == number {
                var location = old
                location.file = originals[old.file] ?? old.file
                guard let segment = try source.segment(at: location, in: id) else {
                    throw .truncated(path: source.folder, offset: Int(clamping: old.offset))
                }
                for start in stride(from: 0, to: segment.length, by: Self.chunkSize) {
                    try file.write(try segment.read(start..<min(segment.length, start + Self.chunkSize)))
                }
            }
            try file.complete()
        }
        return packed
    }
}

extension StorageFailure {
    /// Whether it only says that there is no such file.
    var isAbsence: Bool {
        if case .system(_, _, ENOENT) = self { true } else { false }
    }
}
