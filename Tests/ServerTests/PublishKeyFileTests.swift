import Foundation
import Ingest
import MediaCore
import TestSupport
import Testing

@testable import lyceum

@Suite("The file with the stream keys")
struct PublishKeyFileTests {
    @Test("the first start makes a random key for main that only the owner can read, the second keeps it")
    func firstStart() throws {
        let folder = try TemporaryFolder()
        let file = PublishKeyFile(dataDirectory: folder.path + "/new/data")
        let keys = try file.load()
        #expect(keys.map(\.stream.name) == ["main"])
        let secret = try #require(keys.first).secret.revealed
        #expect(secret.count == 22)
        let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
        #expect(attributes[.posixPermissions] as? NSNumber == 0o600)
        #expect(!file.isReadableByOthers)
        #expect(try file.load().first?.secret.revealed == secret)
        let other = try PublishKeyFile(dataDirectory: folder.path + "/other").load()
        #expect(other.first?.secret.revealed != secret)
    }

    @Test("lines, comments and blanks are read as a person writes them")
    func parse() throws {
        let keys = try PublishKeyFile.parse(
            "# keys\n\nmain  abcdefgh # mine\n\tclass-1\t12345678\r\nmain second-key\n",
            path: "f"
        )
        #expect(keys.map(\.stream.name) == ["main", "class-1", "main"])
        #expect(keys.map(\.secret.revealed) == ["abcdefgh", "12345678", "second-key"])
    }

    @Test(
        "a wrong line is refused with its number and without its key",
        arguments: [
            ("main", "f, line 1: expected a stream name and a key, found 1 words"),
            ("# x\nmain abcdefgh extra", "f, line 2: expected a stream name and a key, found 3 words"),
            (
                "ma/in abcdefgh",
                "f, line 1: 'ma/in' is no stream name: expected 1 to 64 letters, digits, '-', '_' or '.'"
            ),
            ("main short", "f, line 1: the key has 5 characters, expected at least 8"),
            ("a abcdefgh\nb abcdefgh", "f, line 2: the key is that of another line"),
        ]
    )
    func wrongLine(text: String, message: String) {
        let error = #expect(throws: PublishKeyFile.Failure.self) { try PublishKeyFile.parse(text, path: "f") }
        #expect(error?.description == message)
    }

    @Test("a folder that cannot be made is named")
    func inaccessible() throws {
        let folder = try TemporaryFolder()
        let blocked = folder.path + "/file"
        try Data().write(to: URL(fileURLWithPath: blocked))
        let error = #expect(throws: PublishKeyFile.Failure.self) {
            try PublishKeyFile(dataDirectory: blocked + "/data").load()
        }
        #expect(error?.description.contains(blocked) == true)
    }

    @Test("keys that others can read are noticed")
    func readableByOthers() throws {
        let folder = try TemporaryFolder()
        let file = PublishKeyFile(dataDirectory: folder.path)
        _ = try file.load()
        try FileManager.default.setAttributes([.posixPermissions: 0o644 as NSNumber], ofItemAtPath: file.path)
        #expect(file.isReadableByOthers)
    }
}
