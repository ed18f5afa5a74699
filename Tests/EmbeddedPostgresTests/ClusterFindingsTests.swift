import Logging
import Testing

@testable import EmbeddedPostgres

@Suite("What is done about the state in which a cluster is found")
struct ClusterFindingsTests {
    private static let old = PostgresInstallation(directory: "/usr/lib/postgresql/15/bin", major: 15)
    private static let new = PostgresInstallation(directory: "/usr/lib/postgresql/17/bin", major: 17)
    private static let folder = "/data/postgres/cluster"

    private func action(_ findings: ClusterFindings, _ installed: [PostgresInstallation] = [new, old]) -> ClusterAction
    {
        findings.action(installed: installed, searched: ["here"], folder: Self.folder)
    }

    @Test("a new cluster is made with the newest installation")
    func makes() {
        #expect(action(ClusterFindings(content: .nothing, recorded: .none)) == .initialise(Self.new))
    }

    @Test("a cluster is started with the installation of its own version")
    func starts() {
        let findings = ClusterFindings(content: .cluster(major: 15), recorded: .none)
        #expect(action(findings) == .start(Self.old, removingLocks: false))
    }

    @Test(
        "lock files of the dead are removed, those of the living never",
        arguments: [
            (ClusterFindings.Recorded.none, false), (.garbled, true), (.gone, true), (.zombie, true),
            (.elsewhere, true),
            (.hidden, false),
        ]
    )
    func locks(recorded: ClusterFindings.Recorded, isRemoved: Bool) {
        let findings = ClusterFindings(content: .cluster(major: 17), recorded: recorded)
        #expect(action(findings) == .start(Self.new, removingLocks: isRemoved))
    }

    @Test(
        "nothing is removed or started while a process of PostgreSQL works in the folder, whoever the lock file names",
        arguments: [ClusterFindings.Recorded.none, .garbled, .gone, .zombie, .elsewhere, .hidden]
    )
    func workers(recorded: ClusterFindings.Recorded) {
        let findings = ClusterFindings(content: .cluster(major: 15), recorded: recorded, workers: [7, 8])
        #expect(action(findings) == .awaitEnd([7, 8]))
    }

    @Test("a postmaster that has outlived its server is ended, one that somebody else has started is left alone")
    func living() {
        var findings = ClusterFindings(content: .cluster(major: 15), recorded: .here(7, isOurs: true), workers: [7, 8])
        #expect(action(findings) == .endOrphan(7))
        findings.recorded = .here(7, isOurs: false)
        #expect(action(findings) == .refuse(.foreignProcesses([7], folder: Self.folder)))
    }

    @Test("without an installation, with none of the data's version or with something else in its place, it says so")
    func refusals() {
        let empty = ClusterFindings(content: .nothing, recorded: .none)
        #expect(action(empty, []) == .refuse(.binariesMissing(searched: ["here"])))
        let other = ClusterFindings(content: .cluster(major: 16), recorded: .gone)
        #expect(action(other) == .refuse(.otherMajorVersion(data: 16, installed: [15, 17], folder: Self.folder)))
        let foreign = ClusterFindings(content: .foreign("odd"), recorded: .none)
        #expect(action(foreign) == .refuse(.damaged(folder: Self.folder, reason: "odd")))
    }

    @Test("messages name what to install and what to do with the data")
    func sentences() {
        #expect(EmbeddedPostgresError.binariesMissing(searched: ["/a"]).description.contains("package postgresql"))
        let version = EmbeddedPostgresError.otherMajorVersion(data: 16, installed: [15], folder: "/f").description
        #expect(version.contains("only 15 is installed") && version.contains("lyceum db dump"))
    }
}

@Suite("Details of the embedded database")
struct EmbeddedPostgresDetailTests {
    @Test(
        "the major version is read from what postgres --version says",
        arguments: [
            ("postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)\n", 15), ("pg_dump (PostgreSQL) 17beta1", 17),
            ("postgres 15", nil), ("", nil), ("postgres (PostgreSQL) x", nil),
        ] as [(String, Int?)]
    )
    func version(line: String, major: Int?) { #expect(PostgresInstallation.major(in: line) == major) }

    @Test("it is started again at once, then ever later, and at once again after it stayed up")
    func backOff() {
        var backOff = RestartBackOff()
        let delays = (0..<4).map { _ in backOff.delay(uptime: .seconds(1)) }
        #expect(delays == [.zero, .milliseconds(200), .milliseconds(400), .milliseconds(800)])
        for _ in 0..<100 { #expect(backOff.delay(uptime: nil) <= .seconds(30)) }
        #expect(backOff.delay(uptime: nil) == .seconds(30))
        #expect(backOff.delay(uptime: .seconds(60)) == .zero)
    }

    @Test("the socket is beside the cluster, or in a short folder that is the same in every process")
    func socket() {
        let near = ClusterFolder(dataDirectory: "/var/lib/lyceum", user: 0) { _ in true }
        #expect(near.socketDirectory == "/var/lib/lyceum/postgres/socket")
        let long = "/" + String(repeating: "é", count: 60)
        let far = ClusterFolder(dataDirectory: long, user: 0) { _ in true }
        #expect(far.socketDirectory.hasPrefix("/run/lyceum-0-") && far.socketDirectory.utf8.count < 60)
        #expect(far == ClusterFolder(dataDirectory: long + "/", user: 0) { _ in true })
        #expect(far != ClusterFolder(dataDirectory: long + "x", user: 0) { _ in true })
        let user = ClusterFolder(dataDirectory: long, user: 1000) { $0 == "/tmp" }
        #expect(user.socketDirectory.hasPrefix("/tmp/lyceum-1000-"))
    }

    @Test("107 bytes are a path for a socket, 108 are not")
    func socketLimit() {
        // /DATA/postgres/socket/.s.PGSQL.5432
        let fixed = "//postgres/socket/.s.PGSQL.5432".utf8.count
        for (length, isNear) in [(107, true), (108, false)] {
            let data = "/" + String(repeating: "x", count: length - fixed)
            let folder = ClusterFolder(dataDirectory: data, user: 0) { _ in true }
            #expect((folder.socketDirectory == data + "/postgres/socket") == isNear)
        }
    }

    @Test("quotes and backslashes in the data folder's path stay what they are for libpq")
    func quoting() {
        let folder = ClusterFolder(dataDirectory: #"/a'b\c"#, user: 0) { _ in true }
        #expect(
            folder.connectionString() == #"host='/a\'b\\c/postgres/socket' port=5432 dbname=lyceum user=lyceum"#
        )
    }

    @Test(
        "a password is taken out of a connection string of either form",
        arguments: [
            ("postgresql://u:p%40%2f@h:1/d?sslmode=require", "postgresql://u@h:1/d?sslmode=require", "p@/"),
            ("postgres://u@h/d", "postgres://u@h/d", nil),
            ("postgresql://h/d?password=x&a=b", "postgresql://h/d?a=b", "x"),
            ("postgresql:///d?password=x", "postgresql:///d", "x"),
            ("postgres://u:p%zz%4@h", "postgres://u@h", "p%zz%4"),
            ("host=h password='it\\'s a \\\\' user=u", "host=h user=u", "it's a \\"),
            ("host='a b' user = u", "host='a b' user=u", nil), ("password=", "", ""), ("nonsense", "nonsense", nil),
            ("password='open", "", "open"),
        ] as [(String, String, String?)]
    )
    func secrets(text: String, rest: String, password: String?) {
        let secret = ConnectionSecret(text)
        #expect(secret.connectionString == rest)
        #expect(secret.password == password)
    }

    @Test(
        "lines of PostgreSQL's log have the level of what they tell",
        arguments: [
            ("LOG:  database system is ready to accept connections", "debug"), ("WARNING:  w", "warning"),
            ("FATAL:  the database system is starting up", "notice"), ("PANIC:  could not write", "critical"),
            ("ERROR:  duplicate key", "debug"), ("DEBUG1:  d", "trace"), ("DETAIL:  more", "info"),
            ("\tnext line", "info"),
            ("setpriv: setresuid failed", "warning"),
        ]
    )
    func log(line: String, level: String) {
        #expect(PostgresLogLine(line, previous: .info).level.rawValue == level)
    }

    @Test("lines come whole however they are cut, and none grows without end")
    func lines() {
        var splitter = LineSplitter()
        #expect(splitter.append(Array("a\nb".utf8)) == ["a"])
        #expect(splitter.append(Array("c\n\n".utf8)) == ["bc", ""])
        #expect(splitter.append([UInt8](repeating: 0x78, count: 100_000) + [0x0A]).map(\.count) == [8192])
        #expect(splitter.rest == nil)
    }
}
