import Cryptography
import Foundation
import Glibc
import MediaCore
import SystemPackage

/// A file in the data folder with one secret: made with a random one when it is first wanted, readable by its owner alone.
struct SecretFile {
    /// The file cannot be made or read.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private static let bits = 192
    private static let shortest = 16
    private static let largestFile = 4096

    let path: String

    /// What operators' programs show to see who publishes and to end it; LYCEUM_OPERATOR_TOKEN takes its place.
    static func operatorToken(dataDirectory: String) -> SecretFile {
        SecretFile(path: dataDirectory + "/operator-token")
    }

    /// What the platform signs and seals with; LYCEUM_SECRET takes its place.
    static func platform(dataDirectory: String) -> SecretFile { SecretFile(path: dataDirectory + "/secret") }

    /// What viewers' links are signed with; LYCEUM_TOKEN_SECRET takes its place.
    static func playbackKey(dataDirectory: String) -> SecretFile {
        SecretFile(path: dataDirectory + "/playback-key")
    }

    private init(path: String) { self.path = path }

    /// The secret, made first when there is none.
    func load() throws(Failure) -> Secret {
        if let secret = try read() { return secret }
        do {
            try DataFolder.make(FilePath(path).removingLastComponent())
            let file = try FileDescriptor.open(
                path,
                .writeOnly,
                options: [.create, .exclusiveCreate, .closeOnExec],
                permissions: .ownerReadWrite
            )
            let secret = Randomness.token(bits: Self.bits)
            try file.closeAfter { _ = try file.writeAll((secret + "\n").utf8) }
            return Secret(secret)
        } catch {
            throw Failure(description: "\(path) cannot be made: \(error)")
        }
    }

    /// The secret, or `nil` when there is no file.
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
        let secret = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard secret.count >= Self.shortest else {
            throw Failure(description: "\(path) holds \(secret.count) characters, expected at least \(Self.shortest)")
        }
        return Secret(secret)
    }
}
