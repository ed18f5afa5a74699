-- People. An account is made when its address is confirmed, so every living one has an address, a password and a handle.
CREATE EXTENSION IF NOT EXISTS citext;
CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE account (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id text NOT NULL UNIQUE CHECK (public_id ~ '^acc_[0-9A-Za-z]{22}$'),
    email citext UNIQUE CHECK (octet_length(email::text) BETWEEN 3 AND 254),
    -- citext compares without case in a regular expression as well, so the text is what is checked.
    handle citext NOT NULL UNIQUE CHECK (handle::text ~ '^[a-z0-9_]{3,30}$'),
    password_hash text CHECK (password_hash LIKE '$scrypt$%'),
    display_name text NOT NULL DEFAULT '' CHECK (char_length(display_name) <= 80),
    about text NOT NULL DEFAULT '' CHECK (char_length(about) <= 1000),
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled', 'deleted')),
    version int NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at timestamptz NOT NULL,
    password_changed_at timestamptz NOT NULL,
    deleted_at timestamptz,
    -- A tombstone keeps its handle, so that nobody passes for somebody who left, and nothing personal.
    CONSTRAINT account_tombstone CHECK (
        CASE WHEN status = 'deleted'
            THEN email IS NULL AND password_hash IS NULL AND display_name = '' AND about = '' AND deleted_at IS NOT NULL
            ELSE email IS NOT NULL AND password_hash IS NOT NULL AND deleted_at IS NULL
        END
    )
);

-- The administrators' search: parts of three characters or more, and beginnings of any length.
CREATE INDEX account_email_trgm ON account USING gin (lower(email::text) gin_trgm_ops);
CREATE INDEX account_handle_trgm ON account USING gin (lower(handle::text) gin_trgm_ops);
CREATE INDEX account_email_prefix ON account (lower(email::text) text_pattern_ops);
CREATE INDEX account_handle_prefix ON account (lower(handle::text) text_pattern_ops);

-- Every active account is a member; what it is beyond that is a row. An empty scope is the whole platform.
CREATE TABLE account_role (
    account_id bigint NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    role text NOT NULL CHECK (role IN ('instructor', 'seller', 'moderator', 'admin')),
    scope_kind text NOT NULL DEFAULT '' CHECK (char_length(scope_kind) <= 30),
    scope_id bigint NOT NULL DEFAULT 0,
    granted_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, role, scope_kind, scope_id),
    CHECK ((scope_kind = '') = (scope_id = 0))
);

-- Whether there is an administrator left, and who.
CREATE INDEX account_role_role ON account_role (role, account_id) WHERE scope_kind = '';
