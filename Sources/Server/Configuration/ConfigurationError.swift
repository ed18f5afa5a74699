/// What is wrong with the configuration.
enum ConfigurationError: Error, CustomStringConvertible {
    /// A setting has a value that it must not have.
    case wrongValue(ConfigurationKey, value: String, origin: String)
    /// A file cannot be read or understood.
    case unreadable(file: String, reason: String)

    /// The problem with the key, the value and what was expected.
    var description: String {
        switch self {
        case .wrongValue(let key, let value, let origin):
            "\(key.environmentName) is '\(value)' (from \(origin)), expected \(key.expected)"
        case .unreadable(let file, let reason):
            "the configuration file \(file) cannot be read: \(reason)"
        }
    }
}
