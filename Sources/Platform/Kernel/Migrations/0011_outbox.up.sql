-- What has happened, written in the transaction in which it happened; the relay hands it on.
-- Ids become visible out of order, so the relay marks rows and keeps no high-water mark: a row that is committed late is not passed over.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (length(kind) BETWEEN 1 AND 100),
    subject text CHECK (length(subject) <= 200),
    stream text CHECK (length(stream) BETWEEN 1 AND 200),
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    relayed_at timestamptz
);

CREATE INDEX outbox_waiting ON outbox (id) WHERE relayed_at IS NULL;
CREATE INDEX outbox_relayed ON outbox (relayed_at) WHERE relayed_at IS NOT NULL;

-- Which consumer has had which event: a second delivery has no second effect.
CREATE TABLE consumed (
    outbox_id bigint NOT NULL REFERENCES outbox (id) ON DELETE CASCADE,
    consumer text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (outbox_id, consumer)
);

-- What others tell us, once for each of their event ids.
CREATE TABLE inbox_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider text NOT NULL CHECK (length(provider) BETWEEN 1 AND 50),
    event_id text NOT NULL CHECK (length(event_id) BETWEEN 1 AND 200),
    type text NOT NULL CHECK (length(type) <= 200),
    payload jsonb NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    processed_at timestamptz,
    UNIQUE (provider, event_id)
);
