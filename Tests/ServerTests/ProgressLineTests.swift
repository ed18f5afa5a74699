import Testing

@testable import lyceum

@Suite("Progress of long work")
struct ProgressLineTests {
    @Test("a terminal has one line that changes")
    func terminal() {
        var line = ProgressLine("a.mp4", isTerminal: true)
        #expect([0, 0, 1, 1, 42].map { line.text($0) } == ["\ra.mp4: 0 %", nil, "\ra.mp4: 1 %", nil, "\ra.mp4: 42 %"])
    }

    @Test("elsewhere there is a line for each tenth")
    func lines() {
        var line = ProgressLine("a.mp4", isTerminal: false)
        #expect(
            [0, 5, 11, 19, 100].map { line.text($0) } == ["a.mp4: 0 %\n", nil, "a.mp4: 11 %\n", nil, "a.mp4: 100 %\n"]
        )
    }
}
