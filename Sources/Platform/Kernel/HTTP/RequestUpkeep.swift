internal import FoundationEssentials

/// Removes what requests have left behind.
public enum RequestUpkeep {
    /// Forgets answers kept for requests sent again once they have expired, and limits of who has everything back.
    public static var cleanUp: PeriodicJob {
        PeriodicJob(kind: "request.clean_up", every: .seconds(600)) { run in
            let now = Date()
            try await PostgresReplays(run.database).removeExpired(now: now)
            try await PostgresBuckets(run.database).removeFull(now: now)
        }
    }
}
