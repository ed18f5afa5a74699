import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import lyceum

@Suite("The description of the API")
struct DescriptionTests {
    @Test("docs/openapi.json is what the server says")
    func committed() async throws {
        let folder = try TemporaryFolder()
        let sources = try await ConfigurationSources(
            flags: [],
            environment: [:],
            configurationFile: nil,
            directory: FilePath(folder.path)
        )
        let settings = try #require(try ServerConfiguration(sources).platform)
        let described = try Platform.description(settings, dataDirectory: folder.path)
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../..")
        let committed = try Data(contentsOf: root.appendingPathComponent("docs/openapi.json").standardized)
        #expect(described == committed, "lyceum openapi > docs/openapi.json")
    }
}
