import Foundation
import HTTPTypes
import PlatformTestSupport
import Postgres
import TestSupport
import Testing

@testable import Kernel

@Suite("The description of the API")
struct OpenAPITests {
    private func document() throws -> OpenAPIDocument {
        OpenAPIDocument(try RouteTable(SampleEndpoints.all(RunCounter())))
    }

    @Test("the same table gives the same bytes")
    func deterministic() throws {
        #expect(try document().bytes == document().bytes)
    }

    @Test("only the API is in it, every reference leads somewhere, and every path names its parameters")
    func structure() throws {
        let json = try document().json
        guard case .object(let paths)? = json["paths"] else { throw Missing() }
        #expect(
            paths.map(\.name) == [
                "/api/v1/notes", "/api/v1/notes/{id}", "/api/v1/admin", "/api/v1/shop", "/api/v1/sign-in",
            ]
        )
        let text = String(decoding: json.bytes, as: UTF8.self)
        let references = text.split(separator: "\"$ref\":\"#/").dropFirst().compactMap {
            $0.split(separator: "\"").first
        }
        #expect(!references.isEmpty)
        for reference in references {
            let found = reference.split(separator: "/").reduce(Optional(json)) { $0?[String($1)] }
            #expect(found != nil, "\(reference)")
        }
        let create = json["paths"]?["/api/v1/notes"]?["post"]
        #expect(create?["security"] == [["session": []], ["token": ["notes:write"]]])
        guard case .object(let responses)? = create?["responses"] else { throw Missing() }
        #expect(responses.map(\.name) == ["201", "400", "401", "403", "409", "413", "415", "422", "429", "500", "503"])
    }

    @Test("the examples have the shape that they are examples of", arguments: ["Note", "NoteInput"])
    func examples(name: String) throws {
        let schema = name == "Note" ? Note.schema : Note.input
        #expect(schema.errors(in: schema.sample(isSent: true)).isEmpty)
    }

    @Test("an independent validator accepts it", .enabled(if: Self.hasValidator))
    func validator() async throws {
        let path = "/tmp/lyceum-openapi-\(UUID().uuidString).json"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(try document().bytes).write(to: URL(filePath: path))
        try await Tool.check("python3", ["-m", "openapi_spec_validator", path])
    }

    private static var hasValidator: Bool {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", "-c", "import openapi_spec_validator"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    struct Missing: Error {}
}

@Suite("The table of routes")
struct RouteTableTests {
    private func endpoint(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ name: String,
        body: EndpointBody? = nil,
        kind: EndpointKind = .api
    ) -> Endpoint {
        let names = path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
        return Endpoint(
            method,
            path,
            kind,
            name,
            "",
            tag: "",
            access: .everyone,
            parameters: names.map { .path($0, .text()) },
            body: body
        ) { _, _ in .noContent }
    }

    @Test("a step that is written out goes before one that varies, and a dead end goes back")
    func precedence() throws {
        let table = try RouteTable([
            endpoint(.get, "/a/{x}/c", "varying"), endpoint(.get, "/a/b/d", "fixed"), endpoint(.get, "/", "root"),
            endpoint(.get, "/a/{x}", "short"),
        ])
        func name(_ path: String) -> String? { table.resource(at: path)?.endpoint(for: .get)?.operationID }
        #expect(name("/a/b/d") == "fixed")
        #expect(name("/a/b/c") == "varying")
        #expect(name("/a/b") == "short")
        #expect(name("/?x") == "root")
        #expect(name("/a") == nil && name("/a/") == nil && name("/a/b/c/d") == nil && name("") == nil)
        #expect(table.resource(at: "/a/x%20y%2Fz/c")?.parameters == ["x": "x y/z"])
    }

    @Test("tables that cannot be meant are refused")
    func faults() {
        #expect(throws: RouteTable.Fault.duplicateRoute("GET /a")) {
            try RouteTable([endpoint(.get, "/a", "a"), endpoint(.get, "/a", "b")])
        }
        #expect(throws: RouteTable.Fault.duplicateOperation("a")) {
            try RouteTable([endpoint(.get, "/a", "a"), endpoint(.get, "/b", "a")])
        }
        #expect(throws: RouteTable.Fault.ambiguousParameter("/a/{y}")) {
            try RouteTable([endpoint(.get, "/a/{x}", "a"), endpoint(.post, "/a/{y}", "b")])
        }
        #expect(throws: RouteTable.Fault.malformedPath("a")) { try RouteTable([endpoint(.get, "a", "a")]) }
        #expect(throws: RouteTable.Fault.impossibleBody("a")) {
            try RouteTable([endpoint(.get, "/a", "a", body: .json(.boolean))])
        }
        #expect(throws: RouteTable.Fault.impossibleBody("a")) {
            try RouteTable([endpoint(.post, "/a", "a", body: .json(.boolean), kind: .page)])
        }
    }
}
