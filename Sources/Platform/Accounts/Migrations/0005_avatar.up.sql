-- Pictures of people. The name is drawn for each upload, so that what it names never changes and may be cached for ever.
CREATE TABLE avatar (
    account_id bigint PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    name text NOT NULL UNIQUE CHECK (name ~ '^[0-9A-Za-z]{22}\.(png|jpg|webp)$'),
    media_type text NOT NULL CHECK (media_type IN ('image/png', 'image/jpeg', 'image/webp')),
    width int NOT NULL CHECK (width BETWEEN 1 AND 4096),
    height int NOT NULL CHECK (height BETWEEN 1 AND 4096),
    bytes bytea NOT NULL CHECK (octet_length(bytes) BETWEEN 1 AND 1048576),
    created_at timestamptz NOT NULL
);
-- Images are compressed already: trying again costs time at each upload.
ALTER TABLE avatar ALTER COLUMN bytes SET STORAGE EXTERNAL;
