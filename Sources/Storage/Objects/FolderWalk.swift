import Glibc

/// Lists the files below a folder as a store lists its objects: in the order of the bytes of their names, `/` included.
struct FolderWalk {
    private let directory: String
    private let prefix: String
    private let isFlat: Bool
    private let next: String?
    private let limit: Int
    private var found = ObjectPage()
    private var last: String?

    /// A walk that has not begun; the parameters are those of ``ObjectStore/list(prefix:isFlat:after:limit:)``.
    init(directory: String, prefix: String, isFlat: Bool, after next: String?, limit: Int) {
        self.directory = directory
        self.prefix = prefix
        self.isFlat = isFlat
        self.next = next
        self.limit = max(1, min(1000, limit))
    }

    /// Walks until a page is full.
    ///
    /// Blocks.
    ///
    /// - Parameter info: looks at a file.
    /// - Returns: the page.
    mutating func page(_ info: (ObjectKey, String) -> ObjectInfo?) -> ObjectPage {
        // Only the folder that the prefix ends in, and what is below.
        let start = prefix.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(prefix[...$0]) } ?? ""
        guard start.isEmpty || ObjectKey(start.dropLast()) != nil else { return found }
        visit(start, info)
        return found
    }

    /// Whether there is no room for one more; then the page ends with the last name that went in.
    private mutating func isFull() -> Bool {
        guard found.objects.count + found.folders.count >= limit else { return false }
        found.next = last
        return true
    }

    /// - Returns: false when the page is full.
    @discardableResult
    private mutating func visit(_ folder: String, _ info: (ObjectKey, String) -> ObjectInfo?) -> Bool {
        let entries = Folder.names(in: "\(directory)/\(folder)").filter { !$0.hasPrefix(".") }.map { name in
            Self.isFolder("\(directory)/\(folder)\(name)") ? "\(name)/" : name
        }
        for entry in entries.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
            let name = folder + entry
            let isFolder = entry.utf8.last == UInt8(ascii: "/")
            guard matches(name, isFolder: isFolder), isBehindStart(name, isFolder: isFolder) else { continue }
            if isFolder, isFlat || !name.hasPrefix(prefix) {
                guard visit(name, info) else { return false }
            } else if isFolder {
                guard !isFull() else { return false }
                found.folders.append(name)
                last = name
            } else if let key = ObjectKey(name), let object = info(key, "\(directory)/\(name)") {
                guard !isFull() else { return false }
                found.objects.append(object)
                last = name
            }
        }
        return true
    }

    private func matches(_ name: String, isFolder: Bool) -> Bool {
        name.utf8.starts(with: prefix.utf8) || (isFolder && prefix.utf8.starts(with: name.utf8))
    }

    private func isBehindStart(_ name: String, isFolder: Bool) -> Bool {
        guard let next else { return true }
        if next.utf8.lexicographicallyPrecedes(name.utf8) { return true }
        // The last page ended inside of this folder.
        return isFolder && next != name && next.utf8.starts(with: name.utf8)
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
