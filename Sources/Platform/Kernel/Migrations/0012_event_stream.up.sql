-- Streams of server-sent events. The counter's row is locked until the commit: numbers become visible in their order, without gaps.
CREATE TABLE event_stream (
    topic text PRIMARY KEY CHECK (length(topic) BETWEEN 1 AND 200),
    last_seq bigint NOT NULL CHECK (last_seq >= 0)
);

CREATE TABLE stream_event (
    topic text NOT NULL REFERENCES event_stream (topic) ON DELETE CASCADE,
    seq bigint NOT NULL,
    kind text NOT NULL,
    data jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, seq)
);

CREATE INDEX stream_event_at ON stream_event (at);
