-- Who is signed in where. Only the SHA-256 of a token is kept.
CREATE TABLE session (
    token_sha256 bytea PRIMARY KEY CHECK (octet_length(token_sha256) = 32),
    public_id text NOT NULL UNIQUE CHECK (public_id ~ '^ses_[0-9A-Za-z]{22}$'),
    account_id bigint NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    network text NOT NULL CHECK (char_length(network) <= 60),
    agent text NOT NULL CHECK (char_length(agent) <= 200),
    CHECK (expires_at > created_at)
);
CREATE INDEX session_account ON session (account_id, last_seen_at DESC);
CREATE INDEX session_expires ON session (expires_at);

-- Browsers that signed in before, which strangers' wrong passwords do not slow down.
CREATE TABLE known_device (
    token_sha256 bytea PRIMARY KEY CHECK (octet_length(token_sha256) = 32),
    account_id bigint NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX known_device_account ON known_device (account_id, created_at);
CREATE INDEX known_device_expires ON known_device (expires_at);

-- Wrong passwords in a row, by the SHA-256 of what they are counted for: an address, whether an account has it or not, a
-- device, or the second factor of an account. Nothing is lost that matters when a crash empties it.
CREATE UNLOGGED TABLE sign_in_failure (
    key_sha256 bytea PRIMARY KEY CHECK (octet_length(key_sha256) = 32),
    failures int NOT NULL CHECK (failures > 0),
    last_at timestamptz NOT NULL
);
CREATE INDEX sign_in_failure_last ON sign_in_failure (last_at);
