import Ingest
import MediaCore
import Testing

@testable import lyceum

@Suite("RestreamList")
struct RestreamListTests {
    @Test("comments, blank lines and the order stay, and an address has its key")
    func text() throws {
        let text = """
            # where it goes

            main rtmp://a.example/app/k#1 # the first
            main   rtmps://b.example:444/x/y/key?z=1
            other rtmp://a.example/app/k2

            """
        let list = try RestreamList(text)
        #expect(list.targets.map(\.stream.name) == ["main", "main", "other"])
        #expect(list.targets[0].target.streamKey.revealed == "k#1")
        let tidy = text.replacing("main   rtmps", with: "main rtmps")
        #expect(list.text == tidy)
        #expect(try RestreamList(list.text).text == tidy)
    }

    @Test(
        "a wrong line is named, without the key in it",
        arguments: ["main", "main rtmp://h/secret", "ma/in rtmp://h/a/secret", "main http://h/a/secret", "a b secret"]
    )
    func wrong(line: String) {
        let fault = #expect(throws: ListFault.self) { try RestreamList("# fine\n\(line)\n") }
        #expect(fault?.line == 2)
        #expect(fault?.problem.contains("secret") == false)
    }

    @Test("an address that stands twice is one target; what is removed is gone")
    func change() throws {
        var list = try RestreamList("main rtmp://h/a/k\nmain rtmp://h:1935/a/k\nmain rtmp://h/a/k2\n")
        let main = try #require(StreamID("main"))
        #expect(list.targetsOfStream[main]?.count == 2)
        #expect(list.remove { $1.streamKey.revealed == "k" } == 2)
        list.append(main, try #require(PushTarget(url: "rtmps://h/b/k3")))
        #expect(list.text == "main rtmp://h/a/k2\nmain rtmps://h/b/k3\n")
    }
}
