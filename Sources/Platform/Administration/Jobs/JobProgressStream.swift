internal import HTTPTypes
internal import Postgres
internal import Foundation
internal import Hummingbird
internal import Kernel
internal import NIOCore

/// The progress of one running job as events, for a page that is open: `progress`, and `done` at its end.
///
/// Not a stream of the outbox: progress is a state, of which only the newest counts, so the row is looked at each
/// second.
struct JobProgressStream: Sendable {
    /// How long a page is followed: then the browser connects anew.
    static let longest = 600

    /// The progress now; nil when there is no such job.
    let look: @Sendable () async throws -> JobSummary?
    /// Whether who looks still may.
    let mayFollow: @Sendable () async throws -> Bool
    /// Waits a second.
    let wait: @Sendable () async throws -> Void

    /// The body of the answer.
    var body: ResponseBody {
        ResponseBody { writer in
            var last: Double?
            for second in 0..<Self.longest {
                if second.isMultiple(of: 3), !(try await mayFollow()) { break }
                let job = try await look()
                var text = second.isMultiple(of: 15) ? ServerSentEvent.heartbeat : ""
                let fraction = job?.progress ?? 1
                if fraction != last {
                    text += ServerSentEvent(id: nil, kind: "progress", data: #"{"fraction":\#(fraction)}"#).text
                    last = fraction
                }
                let isOver = job?.state != .running && job?.state != .queued
                if isOver { text += ServerSentEvent(id: nil, kind: "done", data: "{}").text }
                if !text.isEmpty { try await writer.write(ByteBuffer(string: text)) }
                if isOver { break }
                try await wait()
            }
            try await writer.finish(nil)
        }
    }
}

extension AdministrationModule {
    /// The progress of a job while its page is open.
    var jobProgress: Endpoint {
        Endpoint(
            .get,
            "/admin/jobs/{id}/events",
            .page,
            "jobEvents",
            "Tells the progress of a job while it runs",
            tag: Self.tag,
            access: Self.admins,
            parameters: [Self.jobID],
            responses: [.events],
            statementBudget: 6
        ) { [database] _, context in
            let job = try await job(context)
            let stream = JobProgressStream(
                look: { try await database.run { try WorkQueue.job(job.publicID, on: $0) } },
                mayFollow: { try await context.isStillAuthenticated() },
                wait: { try await Task.sleep(for: .seconds(1)) }
            )
            return Response(status: .ok, headers: EventStreams.headers, body: stream.body)
        }
    }

    /// What becomes a dead letter, as it happens; a browser that comes back is told what it has missed.
    var deadLetterEvents: Endpoint {
        Endpoint(
            .get,
            "/admin/dead-letters/events",
            .page,
            "deadLetterEvents",
            "Tells of jobs that are given up, as it happens",
            tag: Self.tag,
            access: Self.admins,
            responses: [.events],
            statementBudget: 6
        ) { [streams] request, context in
            let last = HTTPField.Name("Last-Event-ID").flatMap { request.headers[$0] }
            let body = streams.body(topic: WorkQueue.stream, after: ServerSentEvent.lastEventID(last)) {
                try await context.isStillAuthenticated()
            }
            return Response(status: .ok, headers: EventStreams.headers, body: body)
        }
    }
}
