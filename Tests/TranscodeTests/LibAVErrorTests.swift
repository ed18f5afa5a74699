import Testing

@testable import Transcode

@Suite("Errors of FFmpeg's libraries")
struct LibAVErrorTests {
    @Test("an error has the library's words, and what is none goes through")
    func words() throws {
        #expect(LibAVError(operation: "open", code: -2).description == "open: No such file or directory")
        #expect(try LibAVError.check("read", 3) == 3)
        #expect(throws: LibAVError(operation: "read", code: -5)) { try LibAVError.check("read", -5) }
    }
}
