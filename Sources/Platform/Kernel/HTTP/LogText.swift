/// Text from outside on its way to the log.
enum LogText {
    /// The text without what could begin a line or steer a terminal, and not longer than some characters (ASVS 5.0 §16.4.1).
    static func sanitised(_ text: some StringProtocol, maximum: Int = 256) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars.prefix(maximum) {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
                result.append("\u{FFFD}")
            default: result.append(scalar)
            }
        }
        return String(result)
    }
}
