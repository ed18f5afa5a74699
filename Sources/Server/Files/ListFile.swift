import Foundation
import Glibc
import SystemPackage

/// A list that a person may write in a file, a line for each thing, `#` before a comment.
protocol FileList {
    /// An empty list with a word about itself.
    init()

    /// Reads a file's text.
    ///
    /// - Throws: ``ListFault`` with the first line that is wrong; it never holds a secret.
    init(_ text: String) throws(ListFault)

    /// The list as the file keeps it: comments, blank lines and the order stay as a person wrote them.
    var text: String { get }
}

/// What is wrong with a line of a ``FileList``.
struct ListFault: Error, Hashable {
    /// Counted from 1.
    let line: Int
    let problem: String
}

/// The file of a ``FileList`` in the data folder, readable by its owner alone.
///
/// Changes replace the file as a whole; those who change it take turns by a lock beside it.
struct ListFile<List: FileList>: Sendable {
    /// Room for some thousand lines, in bytes.
    private static var largestFile: Int { 1 << 20 }

    let path: String

    /// Whether others than the owner may read the file.
    var isReadableByOthers: Bool {
        let mode = try? FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber
        return (mode?.intValue ?? 0) & 0o077 != 0
    }

    /// Changes the list in the file, making it first when there is none.
    ///
    /// - Parameter edit: the change.
    /// - Returns: the list as it is in the file now.
    /// - Throws: ``ListFileFailure``, or what `edit` throws; the file is then as it was.
    @discardableResult
    func change(_ edit: (inout List) throws -> Void) throws -> List {
        do {
            try DataFolder.make(FilePath(path).removingLastComponent())
            let lock = try FileDescriptor.open(
                path + ".lock",
                .readWrite,
                options: [.create, .closeOnExec],
                permissions: .ownerReadWrite
            )
            return try lock.closeAfter {
                guard flock(lock.rawValue, LOCK_EX) == 0 else { throw Errno(rawValue: errno) }
                var list = try read() ?? List()
                try edit(&list)
                try write(list)
                return list
            }
        } catch let error as Errno {
            throw ListFileFailure.inaccessible(path: path, reason: "\(error)")
        }
    }

    /// Reads the list.
    ///
    /// - Returns: `nil` when there is no file.
    /// - Throws: ``ListFileFailure`` when the file cannot be read or has a line that is wrong.
    func read() throws(ListFileFailure) -> List? {
        let text: String
        do {
            let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
            text = try file.closeAfter {
                try String(unsafeUninitializedCapacity: Self.largestFile) { buffer in
                    try file.read(into: UnsafeMutableRawBufferPointer(buffer))
                }
            }
        } catch Errno.noSuchFileOrDirectory {
            return nil
        } catch {
            throw .inaccessible(path: path, reason: "\(error)")
        }
        guard text.utf8.count < Self.largestFile else {
            throw .inaccessible(path: path, reason: "it is larger than \(Self.largestFile) bytes")
        }
        do throws(ListFault) {
            return try List(text)
        } catch {
            throw .wrongLine(path: path, error)
        }
    }

    /// Complete and private from its first moment, by way of a temporary name.
    private func write(_ list: List) throws {
        let temporary = path + ".new"
        let file = try FileDescriptor.open(
            temporary,
            .writeOnly,
            options: [.create, .truncate, .closeOnExec],
            permissions: .ownerReadWrite
        )
        try file.closeAfter {
            _ = try file.writeAll(list.text.utf8)
            guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
        }
        guard rename(temporary, path) == 0 else { throw Errno(rawValue: errno) }
    }
}

/// What keeps a list from being used.
enum ListFileFailure: Error, CustomStringConvertible {
    /// The folder or the file cannot be made, read or written.
    case inaccessible(path: String, reason: String)
    /// A line is wrong.
    case wrongLine(path: String, ListFault)

    var description: String {
        switch self {
        case .inaccessible(let path, let reason): "\(path) cannot be used: \(reason)"
        case .wrongLine(let path, let fault): "\(path), line \(fault.line): \(fault.problem)"
        }
    }
}
