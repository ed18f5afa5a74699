/// The version of this build.
enum Version {
    /// MAJOR.MINOR.PATCH as Semantic Versioning 2.0.0 has it.
    static let number = "0.1.0"
    /// The name with the version.
    static let text = "Lyceum \(number)"
}
