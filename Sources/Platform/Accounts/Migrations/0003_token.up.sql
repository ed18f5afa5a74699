-- What programs sign in with.
CREATE TABLE api_token (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id text NOT NULL UNIQUE CHECK (public_id ~ '^tok_[0-9A-Za-z]{22}$'),
    token_sha256 bytea NOT NULL UNIQUE CHECK (octet_length(token_sha256) = 32),
    account_id bigint NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 80),
    scopes text[] NOT NULL CHECK (cardinality(scopes) BETWEEN 1 AND 30),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    last_used_at timestamptz,
    CHECK (expires_at > created_at AND expires_at <= created_at + interval '366 days')
);
CREATE INDEX api_token_account ON api_token (account_id, id DESC);

-- What a mail or a page hands out to be used once: the row goes when it is. An account that is not there yet waits in the payload.
CREATE TABLE one_time_token (
    token_sha256 bytea PRIMARY KEY CHECK (octet_length(token_sha256) = 32),
    kind text NOT NULL CHECK (
        kind IN ('confirm_email', 'reset_password', 'change_email', 'first_account', 'second_factor')
    ),
    account_id bigint REFERENCES account (id) ON DELETE CASCADE,
    email citext CHECK (octet_length(email::text) <= 254),
    payload jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(payload) = 'object'),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CHECK (expires_at > created_at),
    CHECK ((account_id IS NOT NULL) = (kind IN ('reset_password', 'change_email', 'second_factor')))
);
CREATE INDEX one_time_token_account ON one_time_token (account_id, kind);
CREATE INDEX one_time_token_email ON one_time_token (email, kind, created_at);
CREATE INDEX one_time_token_expires ON one_time_token (expires_at);
