public import Web

/// The templates of the pages of the administration.
public enum AdministrationTemplates {
    /// Every one of them, for the renderer of pages.
    public static let all = [
        Template("admin-audit", PackageResources.admin_audit_mustache),
        Template("admin-dead-letters", PackageResources.admin_dead_letters_mustache),
        Template("admin-flags", PackageResources.admin_flags_mustache),
        Template("admin-health", PackageResources.admin_health_mustache),
        Template("admin-job", PackageResources.admin_job_mustache),
        Template("admin-jobs", PackageResources.admin_jobs_mustache),
        Template("admin-user", PackageResources.admin_user_mustache),
        Template("admin-users", PackageResources.admin_users_mustache),
    ]
}
