public import Postgres

/// The Kernel's migrations, in the order of their numbers.
public enum KernelMigrations {
    /// The name they are recorded under.
    public static let module = "kernel"

    /// All of them.
    public static let all: [Migration] = [
        migration(
            1,
            "idempotency",
            PackageResources._001_idempotency_up_sql,
            PackageResources._001_idempotency_down_sql
        ),
        migration(
            2,
            "rate_bucket",
            PackageResources._002_rate_bucket_up_sql,
            PackageResources._002_rate_bucket_down_sql
        ),
        migration(
            10,
            "job",
            PackageResources._010_job_up_sql,
            PackageResources._010_job_down_sql
        ),
        migration(
            11,
            "outbox",
            PackageResources._011_outbox_up_sql,
            PackageResources._011_outbox_down_sql
        ),
        migration(
            12,
            "event_stream",
            PackageResources._012_event_stream_up_sql,
            PackageResources._012_event_stream_down_sql
        ),
        migration(
            13,
            "audit_log",
            PackageResources._013_audit_log_up_sql,
            PackageResources._013_audit_log_down_sql
        ),
        migration(
            14,
            "feature_flag",
            PackageResources._014_feature_flag_up_sql,
            PackageResources._014_feature_flag_down_sql
        ),
        migration(
            15,
            "mail_delivery",
            PackageResources._015_mail_delivery_up_sql,
            PackageResources._015_mail_delivery_down_sql
        ),
    ]

    private static func migration(_ number: Int, _ name: String, _ up: [UInt8], _ down: [UInt8]) -> Migration {
        Migration(module: module, number: number, name: name, up: up, down: down)
    }
}
