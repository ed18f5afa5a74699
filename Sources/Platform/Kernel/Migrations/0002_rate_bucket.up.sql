-- Limits that all servers count together. Lost with a crash of the database, which gives everybody everything back.
CREATE UNLOGGED TABLE rate_bucket (
    key text PRIMARY KEY,
    tokens double precision NOT NULL,
    at timestamptz NOT NULL,
    full_at timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX rate_bucket_full_at ON rate_bucket (full_at);
