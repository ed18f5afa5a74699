import Configuration
import SystemPackage

/// Where settings come from: flags, the environment, `.env` and `lyceum.yaml`, the first that has one being right.
struct ConfigurationSources {
    /// A setting with the place that it came from.
    struct Setting {
        let value: String
        /// Where it was found, as the end of "from …".
        let origin: String
    }

    private struct Source {
        let origin: String
        let prefix: [String]
        let provider: any ConfigProvider
    }

    private let sources: [Source]

    /// Opens the sources.
    ///
    /// - Parameters:
    ///   - flags: the settings given on the command line.
    ///   - environment: the process's environment.
    ///   - configurationFile: the path of the YAML file, which must be there; `nil` takes `lyceum.yaml` if it is.
    ///   - directory: where `.env` and `lyceum.yaml` are looked for.
    /// - Throws: ``ConfigurationError/unreadable(file:reason:)`` for a file that cannot be read or understood.
    init(
        flags: [(key: ConfigurationKey, value: String)],
        environment: [String: String],
        configurationFile: String?,
        directory: FilePath
    ) async throws {
        let flagValues = flags.map {
            (AbsoluteConfigKey($0.key.path, context: [:]), ConfigValue(.string($0.value), isSecret: false))
        }
        let environmentFile = directory.appending(".env")
        let file = configurationFile.map { FilePath($0) } ?? directory.appending("lyceum.yaml")
        sources = [
            Source(
                origin: "the command line",
                prefix: [],
                provider: InMemoryProvider(values: Dictionary(flagValues) { $1 })
            ),
            Source(
                origin: "the environment",
                prefix: ["lyceum"],
                provider: EnvironmentVariablesProvider(environmentVariables: environment)
            ),
            Source(
                origin: ".env",
                prefix: ["lyceum"],
                provider: try await Self.reading(environmentFile) {
                    try await EnvironmentVariablesProvider(environmentFilePath: $0, allowMissing: true)
                }
            ),
            Source(
                origin: file.string,
                prefix: [],
                provider: try await Self.reading(file) {
                    try await FileProvider<YAMLSnapshot>(filePath: $0, allowMissing: configurationFile == nil)
                }
            ),
        ]
    }

    /// The setting of a key; its default when no source has it.
    func setting(_ key: ConfigurationKey) throws -> Setting {
        for source in sources {
            let path = AbsoluteConfigKey(source.prefix + key.path, context: [:])
            do {
                let result = try source.provider.value(forKey: path, type: .string)
                if case .string(let value)? = result.value?.content, !value.isEmpty {
                    return Setting(value: value, origin: source.origin)
                }
            } catch {
                throw ConfigurationError.wrongValue(key, value: "a list or a group", origin: source.origin)
            }
        }
        return Setting(value: key.defaultValue, origin: "the defaults")
    }

    private static func reading<Provider: ConfigProvider>(
        _ file: FilePath,
        _ open: (FilePath) async throws -> Provider
    ) async throws -> Provider {
        do {
            return try await open(file)
        } catch {
            throw ConfigurationError.unreadable(file: file.string, reason: "\(error)")
        }
    }
}
