import Testing

@testable import Postgres

@Suite struct ConfigurationTests {
    @Test("a URL is taken apart as libpq does it")
    func url() throws {
        let configuration = try DatabaseConfiguration(
            url: "postgres://lyceum:p%40ss@db.example:6432/platform?sslmode=verify-full&application_name=one"
        )
        #expect(configuration.parameters["host"] == "db.example")
        #expect(configuration.parameters["port"] == "6432")
        #expect(configuration.parameters["password"] == "p@ss")
        #expect(configuration.parameters["sslmode"] == "verify-full")
        #expect(configuration.database == "platform")
        #expect(configuration.applicationName == "one")
        #expect(configuration.description == "lyceum@db.example/platform")
    }

    @Test("a socket's folder is a host")
    func socket() throws {
        let configuration = try DatabaseConfiguration(url: "postgres:///platform?host=/run/postgresql&user=lyceum")
        let same = DatabaseConfiguration(socketFolder: "/run/postgresql", user: "lyceum", database: "platform")
        #expect(configuration.parameters["host"] == same.parameters["host"])
        #expect(configuration.description == same.description)
    }

    @Test(
        "what is not a URL of libpq is refused, without its text in the message",
        arguments: ["http://secret@h/", "postgres://u:secret@[::1/d", "secret", "postgres://u:secret@h/d?nonsense=1"]
    )
    func refused(url: String) {
        let error = #expect(throws: DatabaseError.self) { try DatabaseConfiguration(url: url) }
        #expect(error?.description.contains("secret") == false)
    }

    @Test("time limits are options of the session, and an application's own stay")
    func options() throws {
        var configuration = try DatabaseConfiguration(url: "postgres://h/d?options=-c%20work_mem%3D8MB")
        configuration.statementTimeout = .milliseconds(1500)
        configuration.lockTimeout = .zero
        configuration.connectTimeout = .milliseconds(100)
        let parameters = configuration.connectionParameters
        #expect(parameters["options"]?.hasPrefix("-c work_mem=8MB -c ") == true)
        #expect(parameters["options"]?.contains("-c statement_timeout=1500") == true)
        #expect(parameters["options"]?.contains("-c lock_timeout=0") == true)
        #expect(parameters["connect_timeout"] == "2")
    }

    @Test(
        "durations become whole milliseconds",
        arguments: [
            (Duration.zero, Int64(0)), (.nanoseconds(1), 1), (.seconds(2), 2000), (.seconds(-1), 0),
            (.seconds(Int64.max), Int64(Int32.max)),
        ]
    )
    func milliseconds(duration: Duration, expected: Int64) {
        #expect(duration.milliseconds == expected)
    }
}
