import Foundation

/// What is said to the person at the terminal, apart from the log.
enum Terminal {
    /// Says what the server has to say on standard output, at once even when that is a pipe.
    static func say(_ text: String) {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }

    /// Says why the command cannot go on.
    static func complain(_ text: String) {
        FileHandle.standardError.write(Data(("lyceum: " + text + "\n").utf8))
    }
}
