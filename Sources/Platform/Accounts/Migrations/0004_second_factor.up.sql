-- Secrets of authenticator apps, sealed with the server's key.
CREATE TABLE totp (
    account_id bigint PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    sealed_secret bytea NOT NULL CHECK (octet_length(sealed_secret) BETWEEN 29 AND 200),
    created_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    -- The latest step whose code was taken (RFC 6238 5.2: none twice).
    last_step bigint NOT NULL DEFAULT -1
);

CREATE TABLE recovery_code (
    account_id bigint NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    code_sha256 bytea NOT NULL CHECK (octet_length(code_sha256) = 32),
    used_at timestamptz,
    PRIMARY KEY (account_id, code_sha256)
);
