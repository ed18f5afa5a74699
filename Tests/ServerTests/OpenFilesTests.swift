import Testing

@testable import lyceum

@Suite("Open files")
struct OpenFilesTests {
    @Test(
        "connections together never need more files than the system allows",
        arguments: [
            (limit: 1 << 20, encoders: 1000, viewers: 8192, isShort: false),
            (limit: 9256, encoders: 1000, viewers: 8192, isShort: false),
            (limit: 4096, encoders: 1000, viewers: 3032, isShort: true),
            (limit: 1024, encoders: 240, viewers: 720, isShort: true),
            (limit: 10, encoders: 1, viewers: 1, isShort: true),
        ]
    )
    func share(limit: Int, encoders: Int, viewers: Int, isShort: Bool) {
        let files = OpenFiles(limit: limit)
        #expect(files.encoders == encoders)
        #expect(files.viewers == viewers)
        #expect(files.isShort == isShort)
    }
}
