import HTTPTypes
import Testing

@testable import Kernel

@Suite("Files that come with forms")
struct UploadTests {
    let platform: SamplePlatform

    init() throws { platform = try SamplePlatform() }

    private func part(_ disposition: String, _ body: String, type: String? = nil) -> String {
        "--B\r\nContent-Disposition: \(disposition)\r\n" + (type.map { "Content-Type: \($0)\r\n" } ?? "")
            + "\r\n\(body)\r\n"
    }

    private func send(
        _ parts: [String],
        end: String = "--B--\r\n",
        boundary: String = "B",
        token: String? = nil
    ) async -> Answer {
        let cookie = ("Cookie", "__Host-sid=\(SamplePlatform.adaSession)")
        let text: String
        if let token { text = token } else { text = await platform.csrfToken([cookie]) }
        let csrf = part(#"form-data; name="csrf""#, text)
        let fields = [
            cookie, ("Origin", "https://lyceum.example"),
            ("Content-Type", "multipart/form-data; boundary=\"\(boundary)\""),
        ]
        return await platform.send(.post, "/file", fields, body: ([csrf] + parts).joined() + end)
    }

    private var title: String { part(#"form-data; name="title""#, "a é\r\n--Bx") }

    @Test("a file comes with its fields, and its name cannot steer anything")
    func file() async {
        let file = part(#"form-data; name="file"; filename="../%22x%0D.png""#, "\u{0}\r\nPNG", type: "Image/PNG; a=b")
        let answer = await send([part(#"form-data; name="title""#, "one"), file])
        #expect(answer.text == "one: ../\"x .png image/png 6")
    }

    @Test("no file chosen is no file, and an empty field is empty")
    func nothing() async {
        let none = part(#"form-data; name="file"; filename="""#, "", type: "application/octet-stream")
        #expect(await send([part(#"form-data; name="title""#, "one"), none]).text == "one: none")
        #expect(await send([part(#"form-data; name="title""#, "")]).status == 422)
    }

    @Test("a line that begins with the boundary ends its part, as RFC 2046 says")
    func lookalike() async {
        #expect(await send([title]).status == 400)
    }

    @Test("a wrong token is refused here too")
    func token() async {
        #expect(await send([part(#"form-data; name="title""#, "one")], token: "nonsense").status == 403)
    }

    @Test("a file that is too large is 413")
    func large() async {
        let file = part(#"form-data; name="file"; filename="a""#, String(repeating: "x", count: 101))
        #expect(await send([part(#"form-data; name="title""#, "one"), file]).status == 413)
    }

    @Test(
        "what is not of the form is 400",
        arguments: [
            "", "--B", "--B\r\n", "--B\r\n\r\n", "--C\r\n\r\n--C--", "--B\r\nX: y\r\n\r\nbody\r\n--B--",
            "--B\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n\r\n--B--",
            "--B\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--B--",
            "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx",
            "--BContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n--B--",
            "--B\r\n" + String(repeating: "X: y\r\n", count: 1000) + "\r\n\r\n--B--",
            String(repeating: "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n", count: 65) + "--B--",
        ]
    )
    func malformed(body: String) {
        #expect(throws: Problem.self) { try MultipartParser.parse(Array(body.utf8), boundary: "B") }
    }

    @Test("empty parts end where their delimiter begins")
    func empty() throws {
        let text = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n--B--"
        #expect(try MultipartParser.parse(Array(text.utf8), boundary: "B").fields == FormFields([.init("a", "")]))
        #expect(throws: Problem.self) { try MultipartParser.parse(Array(text.utf8), boundary: "") }
    }
}
