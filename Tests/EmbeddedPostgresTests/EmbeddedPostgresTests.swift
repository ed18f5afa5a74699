import Foundation
import Glibc
import Logging
import TestSupport
import Testing

@testable import EmbeddedPostgres

@Suite("The embedded database with a real PostgreSQL")
struct EmbeddedPostgresTests {
    private let cluster: PrivateCluster

    init() throws { cluster = try PrivateCluster() }

    private func status(_ path: String) throws -> stat {
        var status = stat()
        try #require(lstat(path, &status) == 0)
        return status
    }

    @Test("the first start makes a database, the second finds what was written")
    func twice() async throws {
        let clock = ContinuousClock()
        let began = clock.now
        let new = try await cluster.serving { server in
            let time = clock.now - began
            #expect(server.state == .ready && server.isServed)
            try await cluster.psql("CREATE TABLE t (v text); INSERT INTO t VALUES ('kept'); CREATE EXTENSION citext")
            let settings = try await cluster.psql(
                "SELECT name, setting FROM pg_settings WHERE name IN ('listen_addresses', 'fsync', 'data_checksums', "
                    + "'max_connections', 'server_encoding', 'lc_collate', 'TimeZone') ORDER BY lower(name)"
            )
            #expect(
                settings == "data_checksums|on\nfsync|on\nlc_collate|C.UTF-8\nlisten_addresses|\nmax_connections|40\n"
                    + "server_encoding|UTF8\nTimeZone|UTC"
            )
            return time
        }
        let again = clock.now
        let existing = try await cluster.serving { _ in
            let time = clock.now - again
            try await cluster.expect("SELECT v FROM t", "kept")
            return time
        }
        print("embedded database, start to ready: new \(new), existing \(existing)")
    }

    @Test("stop leaves no lock file, no socket and no process")
    func stop() async throws {
        let process = try await cluster.serving { server in try #require(server.processIdentifier) }
        #expect(!ClusterInspection.isAlive(process))
        for file in cluster.folder.lockFiles + ["\(cluster.folder.socketDirectory)/\(ClusterFolder.socketName)"] {
            #expect(access(file, F_OK) != 0, "\(file)")
        }
        #expect(!cluster.server().isServed)
    }

    @Test("a server that runs as root runs PostgreSQL as somebody else, and opens no folder for it")
    func privileges() async throws {
        try await cluster.serving { server in
            let process = try #require(server.processIdentifier)
            let owner = try status("/proc/\(process)").st_uid
            #expect(owner != 0)
            #expect(owner == (geteuid() == 0 ? getpwnam("postgres").pointee.pw_uid : geteuid()))
            #expect(try status(cluster.folder.cluster).st_uid == owner)
            for folder in [cluster.folder.cluster, cluster.folder.socketDirectory, cluster.file(".")] {
                #expect(try status(folder).st_mode & 0o077 == 0, "\(folder)")
            }
            let role = try await cluster.psql("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
            #expect(role == "f")
        }
    }

    @Test("a postmaster that is killed comes back by itself, with what was committed")
    func killedPostmaster() async throws {
        try await cluster.serving { server in
            try await cluster.psql("CREATE TABLE t (v int); INSERT INTO t SELECT generate_series(1, 1000)")
            let first = try #require(server.processIdentifier)
            let states = server.states()
            kill(first, SIGKILL)
            var seen: [EmbeddedPostgres.State] = []
            for await state in states {
                seen.append(state)
                if seen.count > 1, state == .ready { break }
            }
            guard case .restarting? = seen.dropFirst().first else {
                Issue.record("went through \(seen)")
                return
            }
            #expect(server.processIdentifier != first)
            try await cluster.expect("SELECT count(*) FROM t", "1000")
        }
    }

    @Test("the next server takes over after a kill -9 of the one before, while PostgreSQL still ends")
    func killedServer() async throws {
        try await cluster.serving { _ in try await cluster.psql("CREATE TABLE t (v int)") }
        // The one before: a process that starts PostgreSQL as the server does.
        let words = ["-c", #"cd -- "$0" && exec 9<. && cd / && "$@" & exec sleep 600"#, cluster.folder.cluster]
        let before = try ChildProcess("/bin/sh", words + cluster.postmaster(pdeathsig: true))
        _ = try await before.standardError.line(containing: "ready to accept connections")
        try await cluster.psql("INSERT INTO t VALUES (1)")
        before.send(SIGKILL)
        try await cluster.serving { _ in
            try await cluster.expect("SELECT count(*) FROM t", "1")
        }
    }

    @Test("a postmaster that was never told of its server's end is ended by the next one")
    func orphan() async throws {
        try await cluster.serving { _ in }
        let words = ["-c", #"cd -- "$0" && exec 9<. && cd / && exec "$@""#, cluster.folder.cluster]
        let orphan = try ChildProcess("/bin/sh", words + cluster.postmaster(pdeathsig: false))
        _ = try await orphan.standardError.line(containing: "ready to accept connections")
        try await cluster.serving { server in
            #expect(server.processIdentifier != orphan.processIdentifier)
            let exit = try await orphan.waitForExit(within: .seconds(10))
            #expect(exit == .status(0))
            try await cluster.expect("SELECT 1", "1")
        }
    }

    @Test("a postmaster that is dead and not reaped, with its lock files, does not keep the next one from starting")
    func zombie() async throws {
        try await cluster.serving { _ in try await cluster.psql("CREATE TABLE t (v int)") }
        // sleep never asks how its child has ended.
        let words = ["-c", #"cd -- "$0" && exec 9<. && cd / && "$@" & exec sleep 600"#, cluster.folder.cluster]
        let parent = try ChildProcess("/bin/sh", words + cluster.postmaster(pdeathsig: false))
        _ = try await parent.standardError.line(containing: "ready to accept connections")
        let file = try String(contentsOfFile: cluster.folder.lockFiles[0], encoding: .utf8)
        let postmaster = try #require(Int32(file.prefix { $0.isNumber }))
        kill(postmaster, SIGKILL)
        try await cluster.serving { _ in
            let isThere = access("/proc/\(postmaster)", F_OK) == 0
            #expect(isThere, "it must still be there, as a zombie")
            try await cluster.expect("SELECT count(*) FROM t", "0")
        }
        #expect(parent.currentExit == nil)
    }

    @Test("a PostgreSQL that somebody else has started is left alone")
    func foreign() async throws {
        try await cluster.serving { _ in }
        // As an administrator would: by the folder's path, through folders that let PostgreSQL's user pass.
        chmod(cluster.file("."), 0o755)
        let words = try cluster.postmaster(pdeathsig: false).map {
            $0 == ClusterCommand.descriptorPath ? cluster.folder.cluster : $0
        }
        let foreign = try ChildProcess("setpriv", Array(words.dropFirst()))
        _ = try await foreign.standardError.line(containing: "ready to accept connections")
        let error = await #expect(throws: EmbeddedPostgresError.self) { try await cluster.server().start() }
        #expect(error == .foreignProcesses([foreign.processIdentifier], folder: cluster.folder.cluster))
        try await cluster.expect("SELECT 1", "1")
        foreign.send(SIGINT)
        try await foreign.waitForExit(within: .seconds(20))
    }

    @Test("two servers never use one cluster")
    func two() async throws {
        try await cluster.serving { first in
            let second = cluster.server()
            let error = await #expect(throws: EmbeddedPostgresError.self) { try await second.start() }
            #expect(error == .inUse(folder: cluster.folder.root) && error?.isTemporary == true)
            #expect(first.state == .ready)
        }
    }

    @Test("a cluster that a crash has left half made is made anew")
    func halfMade() async throws {
        try await cluster.serving { _ in }
        try FileManager.default.moveItem(atPath: cluster.folder.cluster, toPath: cluster.folder.unfinished)
        try FileManager.default.removeItem(atPath: cluster.folder.unfinished + "/global")
        try await cluster.serving { _ in try await cluster.expect("SELECT current_database()", "lyceum") }
        #expect(access(cluster.folder.unfinished, F_OK) != 0)
    }

    @Test("lock files that a full disk has left empty are removed")
    func emptyLocks() async throws {
        try await cluster.serving { _ in }
        for file in cluster.folder.lockFiles { _ = FileManager.default.createFile(atPath: file, contents: nil) }
        try await cluster.serving { _ in try await cluster.expect("SELECT 1", "1") }
    }

    @Test("data of another major version, and a folder that is no cluster, are refused and not touched")
    func refusals() async throws {
        try await cluster.serving { _ in }
        let version = cluster.folder.cluster + "/PG_VERSION"
        try "14\n".write(toFile: version, atomically: false, encoding: .utf8)
        let server = cluster.server()
        var error = await #expect(throws: EmbeddedPostgresError.self) { try await server.start() }
        #expect(error == .otherMajorVersion(data: 14, installed: [15], folder: cluster.folder.cluster))
        #expect(server.state == error.map { .failed($0.description) })
        unlink(version)
        error = await #expect(throws: EmbeddedPostgresError.self) { try await server.start() }
        #expect(error == .damaged(folder: cluster.folder.cluster, reason: "it has no readable PG_VERSION"))
        try "15\n".write(toFile: version, atomically: false, encoding: .utf8)
        _ = try await server.start()
        await server.stop()
    }

    @Test("without PostgreSQL's programs it says what to install")
    func missing() async throws {
        var configuration = cluster.configuration
        configuration.binariesDirectory = cluster.file("nowhere")
        let server = EmbeddedPostgres(configuration, logger: PrivateCluster.logger)
        let error = await #expect(throws: EmbeddedPostgresError.self) { try await server.start() }
        #expect(error == .binariesMissing(searched: [cluster.file("nowhere")]))
        #expect(error?.isTemporary == false)
    }

    @Test("a data folder with a very long path works")
    func longPath() async throws {
        let names = (0..<4).map { "\($0)" + String(repeating: "long", count: 12) }
        let cluster = try PrivateCluster(subfolder: names.joined(separator: "/"))
        #expect(!cluster.folder.socketDirectory.hasPrefix(cluster.dataDirectory))
        defer { rmdir(cluster.folder.socketDirectory) }
        try await cluster.serving { _ in try await cluster.expect("SELECT 1", "1") }
    }

    @Test("a folder for the socket that others may enter, or that is a link, is refused")
    func unsafeSocket() async throws {
        let owner = try ClusterOwner.find(existing: nil, folder: "")
        let open = cluster.file("open")
        mkdir(open, 0o700)
        chmod(open, 0o750)
        let link = cluster.file("link")
        symlink(open, link)
        for (path, reason) in [(open, "others may enter it"), (link, "it is no folder")] {
            #expect(throws: EmbeddedPostgresError.unsafeSocketFolder(path, reason: reason)) {
                try ClusterFolder.makePrivate(path, owner: owner)
            }
        }
    }

    @Test("stop while it comes up ends it, and it can be started again")
    func stopEarly() async throws {
        let server = cluster.server()
        async let start = server.start()
        try await reached(server) { $0 == .starting }
        await server.stop()
        do {
            _ = try await start
        } catch {
            #expect(error as? EmbeddedPostgresError == .stopped)
        }
        #expect(server.state == .stopped && server.processIdentifier == nil)
        _ = try await server.start()
        await server.stop()
    }

    @Test("an archive brings a database back, all of it or nothing")
    func archive() async throws {
        try await cluster.serving { server in
            let archive = DatabaseArchive()
            let file = cluster.file("backup.dump")
            try await cluster.psql(
                "CREATE EXTENSION citext; CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY, v citext UNIQUE); "
                    + "INSERT INTO t (v) VALUES ('a'), ('b')"
            )
            try await archive.dump(server.connectionString, to: file)
            #expect(try status(file).st_mode & 0o077 == 0)
            try await cluster.psql("DELETE FROM t; INSERT INTO t (v) VALUES ('c')")
            try await archive.restore(server.connectionString, from: file)
            try await cluster.expect("SELECT string_agg(v, ',' ORDER BY id) FROM t", "a,b")
            // A damaged one changes nothing.
            let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
            try bytes.prefix(bytes.count * 2 / 3).write(to: URL(fileURLWithPath: file))
            await #expect(throws: EmbeddedPostgresError.self) {
                try await archive.restore(server.connectionString, from: file)
            }
            try await cluster.expect("SELECT count(*) FROM t", "2")
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: cluster.file("."))
        #expect(names.sorted() == ["backup.dump", "data"])
    }

    @Test("a dump that cannot be made leaves an earlier one as it was")
    func failedDump() async throws {
        let file = cluster.file("backup.dump")
        try "earlier".write(toFile: file, atomically: true, encoding: .utf8)
        let error = await #expect(throws: EmbeddedPostgresError.self) {
            try await DatabaseArchive().dump("host=/nowhere dbname=x password=secret", to: file)
        }
        #expect(error?.description.contains("pg_dump") == true && error?.description.contains("secret") == false)
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "earlier")
    }
}
