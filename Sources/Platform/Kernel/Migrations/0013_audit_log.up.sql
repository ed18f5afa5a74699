-- Who did what: rows are added, and never changed. Old months go as whole partitions.
-- No foreign key to an account: what somebody did stays on record when the account is deleted.
CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL CHECK (length(actor) BETWEEN 1 AND 100),
    action text NOT NULL CHECK (length(action) BETWEEN 1 AND 100),
    object text CHECK (length(object) <= 200),
    detail jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(detail) = 'object'),
    ip_prefix text CHECK (length(ip_prefix) <= 50),
    request_id text CHECK (length(request_id) <= 100),
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);

CREATE INDEX audit_log_actor ON audit_log (actor, id);
CREATE INDEX audit_log_action ON audit_log (action, id);
CREATE INDEX audit_log_object ON audit_log (object, id);

CREATE FUNCTION audit_log_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_refuse();
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_refuse();

-- Rows of a month nobody has prepared still have a place.
CREATE TABLE audit_log_default PARTITION OF audit_log DEFAULT;
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON audit_log_default
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_refuse();

-- Makes the partitions of this month and so many after it; gives the number made. A month that has rows in the default partition
-- already stays there.
CREATE FUNCTION audit_log_prepare(months integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    start timestamptz;
    name text;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('audit_log_prepare'));
    FOR n IN 0..months LOOP
        start := date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
        start := ((start AT TIME ZONE 'UTC') + make_interval(months => n)) AT TIME ZONE 'UTC';
        name := 'audit_log_' || to_char(start AT TIME ZONE 'UTC', 'YYYY_MM');
        CONTINUE WHEN to_regclass(quote_ident(name)) IS NOT NULL;
        CONTINUE WHEN EXISTS (
            SELECT FROM audit_log_default
            WHERE at >= start AND at < ((start AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC'
        );
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF audit_log FOR VALUES FROM (%L) TO (%L)',
            name, start, ((start AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC'
        );
        EXECUTE format(
            'CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION audit_log_refuse()',
            name
        );
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;

SELECT audit_log_prepare(2);
