import Glibc
import Storage
import Synchronization

/// The files of a recording's folder that go into the store.
struct RecordingFiles: Sendable {
    /// One of them.
    struct File: Sendable {
        let name: String
        let byteCount: Int
        let inode: UInt
    }

    /// All but the facts: media first, which is most of it, then what tells of it.
    let all: [File]

    /// How many bytes they have.
    var byteCount: Int { all.reduce(0) { $0 + $1.byteCount } }

    /// What lies in a folder now.
    ///
    /// Blocks.
    init(of folder: String) {
        let names = Folder.names(in: folder).filter { name in
            ![RecordingFolder.facts, RecordingFolder.journal].contains(name) && !name.hasPrefix(".")
                && !name.hasSuffix(".new")
        }
        let files = names.compactMap { name -> File? in
            var status = stat()
            guard lstat("\(folder)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
            return File(name: name, byteCount: Int(status.st_size), inode: UInt(status.st_ino))
        }
        all = files.sorted { left, right in
            let (isLeft, isRight) = (RecordingFolder.isMedia(left.name), RecordingFolder.isMedia(right.name))
            return isLeft == isRight ? left.name < right.name : isLeft
        }
    }

    /// What tells a file's bytes apart from those of all others; `nil` where there is no file.
    static func inode(_ path: String) -> UInt? {
        var status = stat()
        return lstat(path, &status) == 0 ? UInt(status.st_ino) : nil
    }

    /// The media type of a file, for those who fetch it without this server.
    static func contentType(of name: String) -> String {
        switch name.split(separator: ".").last {
        case "m3u8": "application/vnd.apple.mpegurl"
        case "mp4", "m4s", "media": "video/mp4"
        case "jpg", "jpeg": "image/jpeg"
        case "webp": "image/webp"
        case "png": "image/png"
        case "vtt": "text/vtt"
        case "json": "application/json"
        default: "application/octet-stream"
        }
    }
}

/// Which part of a recording is in the store.
final class UploadMeter: Sendable {
    private let total: Int
    private let count = Atomic(0)
    private let tell: @Sendable (Double) -> Void

    /// - Parameters:
    ///   - total: how many bytes there will be.
    ///   - tell: told the part.
    init(total: Int, _ tell: @escaping @Sendable (Double) -> Void) {
        self.total = max(1, total)
        self.tell = tell
    }

    func add(_ byteCount: Int) {
        let count = count.add(byteCount, ordering: .relaxed).newValue
        // What is all there is only known behind the facts.
        tell(min(0.999, Double(count) / Double(total)))
    }
}
