internal import Foundation
public import Postgres

/// One attempt at a job, as its handler sees it.
public final class JobRun: Sendable {
    /// The number of the row.
    let id: Int64

    /// The id for the outside.
    public let publicID: String

    /// The kind.
    public let kind: String

    /// What it is about, as JSON.
    public let payload: String

    /// Which attempt this is, from 1: also what tells this attempt from one that has taken the job over.
    public let attempt: Int

    /// The database the job is in.
    public let database: Database

    let worker: String
    let forgetsPayload: Bool

    init(_ claimed: ClaimedJob, worker: String, forgetsPayload: Bool, database: Database) {
        id = claimed.id
        publicID = claimed.publicID
        kind = claimed.kind
        payload = claimed.payload
        attempt = claimed.attempts
        self.worker = worker
        self.forgetsPayload = forgetsPayload
        self.database = database
    }

    /// Reads the payload.
    ///
    /// - Throws: ``JobError/permanent(_:)`` when it is none of these: it will not become one.
    public func payload<Value: Decodable>(as type: Value.Type) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(payload.utf8))
        } catch {
            throw JobError.permanent("payload is no \(type): \(error)")
        }
    }

    /// Tells how much is done, and says something about it.
    ///
    /// - Parameters:
    ///   - fraction: 0 to 1; other values are taken to the nearest of these.
    ///   - note: a few words, for people; 500 characters are kept.
    /// - Throws: ``JobError/leaseLost`` when the job is no longer this attempt's, or is to end.
    public func progress(_ fraction: Double, note: String? = nil) async throws {
        let lease = JobLease(id: id, worker: worker, attempt: attempt)
        let fraction = fraction.isNaN ? 0 : min(max(fraction, 0), 1)
        let goesOn = try await database.run { try JobTable.report(lease, fraction, note: note, on: $0) }
        guard goesOn else { throw JobError.leaseLost }
    }

    /// Marks the job as done in the transaction of its effect: both are committed, or neither is.
    ///
    /// - Throws: ``JobError/leaseLost`` when the job is no longer this attempt's, so that the transaction is rolled
    ///   back.
    public func finish(on connection: Connection) throws {
        let lease = JobLease(id: id, worker: worker, attempt: attempt)
        guard try JobTable.finish(lease, forgetsPayload: forgetsPayload, on: connection) else {
            throw JobError.leaseLost
        }
    }
}

/// What a worker holds of a job: nothing is written to the row unless all three are still so.
struct JobLease: Sendable, Hashable {
    let id: Int64
    let worker: String
    let attempt: Int
}

/// A row that a worker has just claimed.
struct ClaimedJob: Sendable, Equatable {
    let id: Int64
    let publicID: String
    let kind: String
    let payload: String
    let attempts: Int
}
