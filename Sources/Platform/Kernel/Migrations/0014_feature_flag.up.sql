CREATE TABLE feature_flag (
    key text PRIMARY KEY CHECK (key ~ '^[a-z][a-z0-9_.-]{0,63}$'),
    rule jsonb NOT NULL CHECK (jsonb_typeof(rule) = 'object'),
    version integer NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL DEFAULT now()
);
