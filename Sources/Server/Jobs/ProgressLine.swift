import Foundation
import Glibc

/// Shows how far long work has come: on one line of a terminal, else a line for each tenth.
struct ProgressLine {
    private let title: String
    private let isTerminal: Bool
    private var shown = -1

    /// A line about a piece of work.
    init(_ title: String, isTerminal: Bool = isatty(STDOUT_FILENO) == 1) {
        self.title = title
        self.isTerminal = isTerminal
    }

    /// Shows how much is done, 0 to 1, if that makes a difference.
    mutating func show(_ done: Double) {
        let percentage = Int(done * 100)
        guard let text = text(percentage) else { return }
        try? FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    }

    /// What is to be written for a percentage; `nil` when nothing is.
    mutating func text(_ percentage: Int) -> String? {
        guard isTerminal else {
            guard percentage / 10 > shown / 10 || shown < 0 else { return nil }
            shown = percentage
            return "\(title): \(percentage) %\n"
        }
        guard percentage != shown else { return nil }
        shown = percentage
        return "\r\(title): \(percentage) %"
    }

    /// Leaves the line, for what is said next.
    mutating func end() {
        if isTerminal, shown >= 0 { try? FileHandle.standardOutput.write(contentsOf: Data("\n".utf8)) }
        shown = -1
    }
}
