import Cryptography
import Foundation
import Glibc
import MediaCore
import SystemPackage

/// The file with the stream keys: `publish-keys` in the data folder, readable by its owner alone.
///
/// Changes replace the file as a whole; those who change it take turns by a lock beside it.
struct PublishKeyFile: Sendable {
    /// What keeps the keys from being used.
    enum Failure: Error, CustomStringConvertible {
        /// The folder or the file cannot be made, read or written.
        case inaccessible(path: String, reason: String)
        /// A line is not a name and a key.
        case wrongLine(path: String, PublishKeyList.Fault)

        var description: String {
            switch self {
            case .inaccessible(let path, let reason): "\(path) cannot be used: \(reason)"
            case .wrongLine(let path, let fault): "\(path), line \(fault.line): \(fault.problem)"
            }
        }
    }

    private static let fileName = "publish-keys"
    /// Room for some thousand keys, in bytes.
    private static let largestFile = 1 << 20

    let path: String

    init(dataDirectory: String) {
        path = dataDirectory + "/" + Self.fileName
    }

    /// Whether others than the owner may read the file.
    var isReadableByOthers: Bool {
        let mode = try? FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber
        return (mode?.intValue ?? 0) & 0o077 != 0
    }

    /// Reads the keys, and hashes those that a person has written in plain text.
    ///
    /// - Returns: the list; `nil` when there is no file.
    /// - Throws: ``Failure`` when the file cannot be read or has a line that is wrong.
    func load() throws(Failure) -> PublishKeyList? {
        guard let list = try read() else { return nil }
        guard list.newlyHashed > 0 else { return list }
        do {
            // Under the lock the file is read again: somebody may have changed it meanwhile.
            return try change { _ in }
        } catch let failure as Failure {
            throw failure
        } catch {
            throw .inaccessible(path: path, reason: "\(error)")
        }
    }

    /// Changes the list in the file, making it first when there is none.
    ///
    /// - Parameter edit: the change.
    /// - Returns: the list as it is in the file now.
    /// - Throws: ``Failure``, or what `edit` throws; the file is then as it was.
    @discardableResult
    func change(_ edit: (inout PublishKeyList) throws -> Void) throws -> PublishKeyList {
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
                var list = try read() ?? PublishKeyList()
                try edit(&list)
                try write(list)
                return list
            }
        } catch let error as Errno {
            throw Failure.inaccessible(path: path, reason: "\(error)")
        }
    }

    private func read() throws(Failure) -> PublishKeyList? {
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
        do throws(PublishKeyList.Fault) {
            return try PublishKeyList(text)
        } catch {
            throw .wrongLine(path: path, error)
        }
    }

    /// Complete and private from its first moment, by way of a temporary name.
    private func write(_ list: PublishKeyList) throws {
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
