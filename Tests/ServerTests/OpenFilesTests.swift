import Testing

@testable import lyceum

@Suite("Open files")
struct OpenFilesTests {
    @Test(
        "connections together never need more files than the system allows",
        arguments: [
            (limit: 1 << 20, wanted: 1000, encoders: 1000, viewers: 8192, isShort: false),
            (limit: 1 << 20, wanted: 4000, encoders: 4000, viewers: 8192, isShort: false),
            (limit: 9256, wanted: 4000, encoders: 2298, viewers: 6894, isShort: true),
            (limit: 9256, wanted: 10, encoders: 10, viewers: 8192, isShort: false),
            (limit: 9256, wanted: 1000, encoders: 1000, viewers: 8192, isShort: false),
            (limit: 4096, wanted: 1000, encoders: 1000, viewers: 3032, isShort: true),
            (limit: 1024, wanted: 1000, encoders: 240, viewers: 720, isShort: true),
            (limit: 10, wanted: 1000, encoders: 1, viewers: 1, isShort: true),
        ]
    )
    func share(limit: Int, wanted: Int, encoders: Int, viewers: Int, isShort: Bool) {
        let files = OpenFiles(limit: limit, encoders: wanted)
        #expect(files.encoders == encoders)
        #expect(files.viewers == viewers)
        #expect(files.isShort == isShort)
    }
}
