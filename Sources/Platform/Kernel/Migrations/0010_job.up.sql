-- Durable work. A row is enqueued in the transaction of the change it follows from.
CREATE TABLE job (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id text NOT NULL UNIQUE,
    kind text NOT NULL CHECK (length(kind) BETWEEN 1 AND 100),
    payload jsonb NOT NULL,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'dead', 'cancelled')),
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    run_at timestamptz NOT NULL DEFAULT now(),
    progress double precision NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 1),
    note text CHECK (length(note) <= 500),
    last_error text CHECK (length(last_error) <= 2000),
    dedupe_key text CHECK (length(dedupe_key) <= 200),
    cancel_requested boolean NOT NULL DEFAULT false,
    locked_by text,
    locked_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    CHECK ((state = 'running') = (locked_by IS NOT NULL)),
    CHECK ((state = 'running') = (locked_until IS NOT NULL)),
    CHECK ((state IN ('done', 'dead', 'cancelled')) = (finished_at IS NOT NULL))
);

-- What a worker looks for, what it takes over, and what must not be there twice.
CREATE INDEX job_due ON job (run_at, id) WHERE state = 'queued';
CREATE INDEX job_leased ON job (locked_until) WHERE state = 'running';
CREATE UNIQUE INDEX job_unfinished_once ON job (kind, dedupe_key)
    WHERE dedupe_key IS NOT NULL AND state IN ('queued', 'running');
-- The lists of the administration, newest first, and the clean-up of what has ended.
CREATE INDEX job_by_state ON job (state, id);
CREATE INDEX job_by_kind ON job (kind, id);
CREATE INDEX job_finished ON job (finished_at) WHERE finished_at IS NOT NULL;

-- When a periodic job is due next; all servers share it.
CREATE TABLE job_schedule (
    kind text PRIMARY KEY,
    next_at timestamptz NOT NULL
);
