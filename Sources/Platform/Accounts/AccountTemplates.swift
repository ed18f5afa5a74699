public import Web

/// The templates of the pages of accounts.
public enum AccountTemplates {
    /// Every one of them, for the renderer of pages.
    public static let all = [
        Template("account-data", PackageResources.account_data_mustache),
        Template("account-email", PackageResources.account_email_mustache),
        Template("account-password", PackageResources.account_password_mustache),
        Template("account-profile", PackageResources.account_profile_mustache),
        Template("account-recovery-codes", PackageResources.account_recovery_codes_mustache),
        Template("account-second-factor", PackageResources.account_second_factor_mustache),
        Template("account-sessions", PackageResources.account_sessions_mustache),
        Template("account-tokens", PackageResources.account_tokens_mustache),
        Template("email-confirm", PackageResources.email_confirm_mustache),
        Template("first-account", PackageResources.first_account_mustache),
        Template("password-reset-confirm", PackageResources.password_reset_confirm_mustache),
        Template("password-reset-request", PackageResources.password_reset_request_mustache),
        Template("sign-in", PackageResources.sign_in_mustache),
        Template("sign-in-second-factor", PackageResources.sign_in_second_factor_mustache),
        Template("sign-up", PackageResources.sign_up_mustache),
    ]
}
