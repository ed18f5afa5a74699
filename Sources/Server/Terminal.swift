import Foundation

/// What is said to the person at the terminal, apart from the log.
enum Terminal {
    /// Says what the server has to say on standard output, at once even when that is a pipe.
    static func say(_ text: String) {
        write(text, to: .standardOutput)
    }

    /// Says why the command cannot go on.
    static func complain(_ text: String) {
        write("lyceum: " + text, to: .standardError)
    }

    /// Nobody may be listening any more, as behind `| head`: that is no reason to stop.
    private static func write(_ text: String, to file: FileHandle) {
        try? file.write(contentsOf: Data((text + "\n").utf8))
    }
}
