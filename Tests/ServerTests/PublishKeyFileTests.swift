import Foundation
import Logging
import MediaCore
import NIOEmbedded
import TestSupport
import Testing

@testable import lyceum

@Suite("Stream keys in a file")
struct PublishKeyFileTests {
    private func id(_ name: String) throws -> StreamID { try #require(StreamID(name)) }

    @Test("a key is kept as a salted hash, which lets the secret in and nothing else")
    func hashing() throws {
        let one = PublishKey(stream: try id("main"), secret: Secret("correct-horse-battery"))
        let two = PublishKey(stream: try id("main"), secret: Secret("correct-horse-battery"))
        #expect(one.hashed != two.hashed, "each has a salt of its own")
        #expect(PublishKey(stream: try id("main"), hashed: one.hashed) == one)
        #expect(one.matches(Secret("correct-horse-battery")))
        for wrong in ["", "correct-horse-batter", "correct-horse-batteryy", "Correct-horse-battery", one.hashed] {
            #expect(!one.matches(Secret(wrong)))
        }
        #expect(!one.hashed.contains("horse") && one.id.count == 8)
    }

    @Test("a file from the outside has the digest of salt and secret, by another program's SHA-256")
    func knownDigest() throws {
        // The 16 bytes of the salt and the 16 letters through Python's hashlib.
        let salt = "000102030405060708090a0b0c0d0e0f"
        let digest = "e24080063be90aaa9f29fa08caaef68d0d4a19af7b5e9aeaa53f5de026305a13"
        let key = try #require(PublishKey(stream: try id("main"), hashed: "sha256:\(salt):\(digest)"))
        #expect(key.matches(Secret("abcdefghijklmnop")))
    }

    @Test("lines, comments and blanks stay as a person wrote them; plain keys are hashed")
    func parse() throws {
        let text = "# keys\n\nmain  abcdefgh12345678 # mine\n\tclass-1\t12345678abcdefgh\r\n"
        let list = try PublishKeyList(text)
        #expect(list.keys.map(\.stream.name) == ["main", "class-1"])
        #expect(list.newlyHashed == 2)
        #expect(list.stream(for: Secret("abcdefgh12345678")) == (try id("main")))
        let lines = list.text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines[0] == "# keys" && lines[1].isEmpty && lines[2].hasSuffix("# mine"))
        let again = try PublishKeyList(list.text)
        #expect(again.newlyHashed == 0 && again.keys == list.keys && again.text == list.text)
    }

    @Test(
        "a wrong line is refused with its number and without its key",
        arguments: [
            ("main", "line 1: expected a stream name and a key, found 1 words"),
            ("# x\nmain abcdefgh12345678 extra", "line 2: expected a stream name and a key, found 3 words"),
            (
                "ma/in abcdefgh12345678",
                "line 1: 'ma/in' is no stream name: expected 1 to 64 letters, digits, '-', '_' or '.'"
            ),
            ("main short", "line 1: the key has 5 characters, expected 16 to 256"),
            (
                "main query?string=1234567",
                "line 1: the key has characters other than ASCII letters, digits and signs "
                    + "without ? # & / :"
            ),
            ("a abcdefgh12345678\nb abcdefgh12345678", "line 2: the key is that of another line"),
            ("a sha256:00:11", "line 1: the hash is not complete"), ("a sha256:", "line 1: the hash is not complete"),
        ]
    )
    func wrongLine(text: String, message: String) {
        let fault = #expect(throws: ListFault.self) { try PublishKeyList(text) }
        #expect(fault.map { "line \($0.line): \($0.problem)" } == message)
    }

    @Test("the file is made private, changes leave it whole, and a change that fails leaves it alone")
    func changes() throws {
        let folder = try TemporaryFolder()
        let file = PublishKeyFile(dataDirectory: folder.path + "/new/data")
        #expect(try file.load() == nil)
        let main = try id("main")
        try file.change { $0.append(PublishKey(stream: main, secret: Secret("abcdefgh12345678"))) }
        let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
        #expect(attributes[.posixPermissions] as? NSNumber == 0o600)
        #expect(!file.isReadableByOthers)
        struct Stop: Error {}
        #expect(throws: Stop.self) {
            try file.change { list in
                _ = list.remove { _ in true }
                throw Stop()
            }
        }
        #expect(try file.load()?.keys.count == 1)
        try FileManager.default.setAttributes([.posixPermissions: 0o644 as NSNumber], ofItemAtPath: file.path)
        #expect(file.isReadableByOthers)
    }

    @Test("many who change the file at once lose nothing")
    func concurrentChanges() async throws {
        let folder = try TemporaryFolder()
        let file = PublishKeyFile(dataDirectory: folder.path)
        let main = try id("main")
        try await withThrowingTaskGroup { group in
            for number in 0..<20 {
                group.addTask {
                    let key = PublishKey(stream: main, secret: Secret("key-number-\(number)-of-twenty"))
                    try file.change { $0.append(key) }
                }
            }
            try await group.waitForAll()
        }
        #expect(try file.load()?.keys.count == 20)
    }

    @Test("a folder that cannot be made is named")
    func inaccessible() throws {
        let folder = try TemporaryFolder()
        let blocked = folder.path + "/file"
        try Data().write(to: URL(fileURLWithPath: blocked))
        let error = #expect(throws: ListFileFailure.self) {
            try PublishKeyFile(dataDirectory: blocked + "/data").change { _ in }
        }
        #expect(error?.description.contains(blocked) == true)
    }
}
