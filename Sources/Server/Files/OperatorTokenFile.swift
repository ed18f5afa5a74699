import Cryptography
import Foundation
import Glibc
import MediaCore
import SystemPackage

/// The file `operator-token` in the data folder: what operators' programs show to see who publishes and to end it.
///
/// Made with a random token on the first start, readable by its owner alone; LYCEUM_OPERATOR_TOKEN takes its place.
struct OperatorTokenFile {
    /// The file cannot be made or read.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private static let bits = 192
    private static let shortest = 16
    private static let largestFile = 4096

    let path: String

    init(dataDirectory: String) { path = dataDirectory + "/operator-token" }

    /// The token, made first when there is none.
    func load() throws(Failure) -> Secret {
        if let token = try read() { return token }
        do {
            try DataFolder.make(FilePath(path).removingLastComponent())
            let file = try FileDescriptor.open(
                path,
                .writeOnly,
                options: [.create, .exclusiveCreate, .closeOnExec],
                permissions: .ownerReadWrite
            )
            let token = Randomness.token(bits: Self.bits)
            try file.closeAfter { _ = try file.writeAll((token + "\n").utf8) }
            return Secret(token)
        } catch {
            throw Failure(description: "\(path) cannot be made: \(error)")
        }
    }

    /// The token, or `nil` when there is no file.
    func read() throws(Failure) -> Secret? {
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
            throw Failure(description: "\(path) cannot be read: \(error)")
        }
        let token = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard token.count >= Self.shortest else {
            throw Failure(description: "\(path) holds \(token.count) characters, expected at least \(Self.shortest)")
        }
        return Secret(token)
    }
}
