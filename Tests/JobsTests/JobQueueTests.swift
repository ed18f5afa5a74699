import Foundation
import Logging
import MediaCore
import Synchronization
import TestSupport
import Testing

@testable import Jobs

@Suite("The queue of long work")
struct JobQueueTests {
    /// Another millisecond each time.
    private final class Clock: Sendable {
        private let time = Atomic(Int64(0))

        func next() -> Int64 { time.add(1, ordering: .relaxed).newValue }
    }

    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func queue(_ parallelism: Int = 1) throws -> JobQueue {
        let clock = Clock()
        return try JobQueue(
            directory: folder.file("jobs"),
            parallelism: parallelism,
            makeIdentifier: { UUID().uuidString.lowercased().filter { $0 != "-" } },
            now: { WallClockTime(milliseconds: clock.next()) },
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        )
    }

    private func ended(_ queue: JobQueue, _ ids: [String]) async {
        for id in ids { _ = await queue.end(of: id) }
    }

    @Test("jobs are done in their order, and tell progress, result and remarks")
    func order() async throws {
        let queue = try queue()
        let done = Mutex<[String]>([])
        queue.register("echo") { context throws(JobFailure) in
            context.progress(0.5)
            context.remark("noted")
            done.withLock { $0.append(context.job.title) }
            return context.job.parameters["text"]
        }
        let jobs = ["a", "b", "c"].compactMap { queue.submit("echo", title: $0, parameters: ["text": $0]) }
        queue.start()
        await ended(queue, jobs.map(\.id))
        #expect(done.withLock { $0 } == ["a", "b", "c"])
        let last = try #require(queue.job(jobs[2].id))
        #expect(last.state == .done && last.progress == 1 && last.result == "c" && last.remarks == ["noted"])
        await queue.shutDown()
    }

    @Test("a job that fails says why, and one that is cancelled ends")
    func failures() async throws {
        let queue = try queue(2)
        queue.register("fail") { _ throws(JobFailure) in throw .failed("no such thing", isOfTheInput: true) }
        let (started, begin) = AsyncStream<Void>.makeStream()
        queue.register("endless") { context throws(JobFailure) in
            begin.finish()
            while !context.isCancelled { sched_yield() }
            throw .cancelled
        }
        let failing = try #require(queue.submit("fail", title: "f", parameters: [:]))
        let endless = try #require(queue.submit("endless", title: "e", parameters: [:]))
        queue.start()
        for await _ in started {}
        queue.cancel(endless.id)
        await ended(queue, [failing.id, endless.id])
        #expect(queue.job(failing.id)?.error == "no such thing" && queue.job(failing.id)?.isOfTheInput == true)
        #expect(queue.job(endless.id)?.state == .cancelled)
        #expect(queue.cancel("unknown") == nil)
        await queue.shutDown()
    }

    @Test("what a process has not finished is begun anew by the next one, but not for ever")
    func restart() async throws {
        let first = try queue()
        let (started, begin) = AsyncStream<Void>.makeStream()
        first.register("work") { context throws(JobFailure) in
            begin.finish()
            while !context.isCancelled { sched_yield() }
            throw .cancelled
        }
        let running = try #require(first.submit("work", title: "running", parameters: [:]))
        let waiting = try #require(first.submit("work", title: "waiting", parameters: [:]))
        first.start()
        for await _ in started {}
        await first.shutDown()

        let second = try queue()
        second.register("work") { _ throws(JobFailure) in "done" }
        second.start()
        await ended(second, [running.id, waiting.id])
        #expect(second.job(running.id)?.result == "done" && second.job(running.id)?.attempts == 2)
        #expect(second.job(waiting.id)?.result == "done")
        await second.shutDown()

        let path = folder.file("jobs/\(running.id).json")
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let worn = text.replacing("\"attempts\" : 2", with: "\"attempts\" : 4").replacing(
            "\"done\"",
            with: "\"running\""
        )
        try worn.write(toFile: path, atomically: true, encoding: .utf8)
        let third = try queue()
        third.register("work") { _ throws(JobFailure) in "done" }
        third.start()
        await ended(third, [running.id])
        #expect(third.job(running.id)?.state == .failed)
        await third.shutDown()
    }

    @Test("old jobs are forgotten, and what is no job in the folder is left alone")
    func forgetting() async throws {
        try folder.write("other.json", "{}")
        let queue = try queue()
        try folder.write("jobs/broken.json", "{\"id\": 1}")
        queue.register("nothing") { _ throws(JobFailure) in nil }
        let jobs = (0..<JobQueue.rememberedJobs + 5).compactMap {
            queue.submit("nothing", title: "\($0)", parameters: [:])
        }
        queue.start()
        await ended(queue, jobs.map(\.id))
        await queue.shutDown()
        #expect(queue.jobs.count == JobQueue.rememberedJobs)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.file("jobs"))
        #expect(names.count == JobQueue.rememberedJobs + 1)
        #expect(queue.job(jobs[0].id) == nil)
    }

    @Test("the threads of the queue give way to all others")
    func priority() async throws {
        let queue = try queue()
        queue.register("nice") { _ throws(JobFailure) in "\(getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0))"
        }
        let job = try #require(queue.submit("nice", title: "n", parameters: [:]))
        queue.start()
        await ended(queue, [job.id])
        #expect(queue.job(job.id)?.result.flatMap { Int($0) } == 15)
        await queue.shutDown()
    }
}
