"""Fills a platform's database: accounts, sessions and API tokens whose secrets are known, jobs, audit."""
from __future__ import annotations

import subprocess
from pathlib import Path

from .report import DidNotRun

ACCOUNTS = 100_000
ADMINISTRATORS = 20
#: Accounts that have a picture, a second factor, links in their mail.
WITH_MORE = 1000
TOKENS_EACH = 3
JOBS = 50_000
AUDIT = 200_000
PICTURE_BYTES = 20_000


def number(kind: str, count: int) -> str:
    """A public id, as `acc_0000000000000000000042`."""
    return f"{kind}_{count:022}"


def secret(kind: str, count: int) -> str:
    """What the holder of a session, a token or a link shows; the database has its SHA-256."""
    return f"{kind}{count}-".ljust(43, "x")


def api_token(account: int) -> str:
    return "pat_" + secret("token", account)


def picture(account: int) -> str:
    return f"{account:022}.png"


def _id(kind: str) -> str:
    return f"'{kind}_' || lpad(n::text, 22, '0')"


def _digest(kind: str, prefix: str = "") -> str:
    return f"sha256(convert_to('{prefix}' || rpad('{kind}' || n || '-', 43, 'x'), 'UTF8'))"


#: Rows of one person follow rows of others, as they do when people come and go.
SQL = f"""
SET synchronous_commit = off;
INSERT INTO account (public_id, email, handle, password_hash, display_name, about, created_at, password_changed_at)
    SELECT {_id('acc')}, 'person.' || n || '@mail' || n % 100 || '.example.org', 'person_' || n, '$scrypt$nobody signs in with it',
        'Person ' || n, repeat('Some words. ', n % 20), now() - interval '1 year', now() - interval '1 year'
    FROM generate_series(1, {ACCOUNTS}) n;
INSERT INTO account_role (account_id, role, granted_at)
    SELECT id, CASE WHEN n <= {ADMINISTRATORS} THEN 'admin' ELSE 'instructor' END, now()
    FROM generate_series(1, {WITH_MORE}) n JOIN account ON public_id = {_id('acc')};
INSERT INTO session (token_sha256, public_id, account_id, created_at, last_seen_at, expires_at, network, agent)
    SELECT {_digest('session')}, {_id('ses')}, id, now() - interval '1 hour', now() - n % 600 * interval '1 s',
        now() + interval '11 hours', '192.0.2.0/24', 'bench'
    FROM generate_series(1, {2 * ACCOUNTS}) n JOIN account ON public_id = 'acc_' || lpad(((n - 1) % {ACCOUNTS} + 1)::text, 22, '0');
INSERT INTO api_token (public_id, token_sha256, account_id, name, scopes, created_at, expires_at, last_used_at)
    SELECT {_id('tok')}, {_digest('token', 'pat_')}, id, 'bench ' || n,
        '{{account:read,account:write,admin:read}}', now() - interval '1 day', now() + interval '90 days', now() - n % 600 * interval '1 s'
    FROM generate_series(1, {TOKENS_EACH * ACCOUNTS}) n JOIN account ON public_id = 'acc_' || lpad(((n - 1) % {ACCOUNTS} + 1)::text, 22, '0');
INSERT INTO one_time_token (token_sha256, kind, account_id, email, created_at, expires_at)
    SELECT {_digest('reset')}, 'reset_password', id, NULL, now(), now() + interval '1 hour'
    FROM generate_series(1, {WITH_MORE}) n JOIN account ON public_id = {_id('acc')};
INSERT INTO one_time_token (token_sha256, kind, account_id, email, created_at, expires_at)
    SELECT {_digest('change')}, 'change_email', id, 'other.' || n || '@example.org', now(), now() + interval '1 hour'
    FROM generate_series(1, {WITH_MORE}) n JOIN account ON public_id = {_id('acc')};
INSERT INTO totp (account_id, sealed_secret, created_at, confirmed_at)
    SELECT id, decode(repeat('00', 60), 'hex'), now(), now() FROM account WHERE id % 3 = 0 LIMIT {WITH_MORE};
INSERT INTO avatar (account_id, name, media_type, width, height, bytes, created_at)
    SELECT id, lpad(n::text, 22, '0') || '.png', 'image/png', 64, 64, decode(repeat('89', {PICTURE_BYTES}), 'hex'), now()
    FROM generate_series(1, {WITH_MORE}) n JOIN account ON public_id = {_id('acc')};
INSERT INTO job (public_id, kind, payload, state, attempts, run_at, progress, last_error, created_at, finished_at)
    SELECT {_id('job')}, 'bench.' || n % 7, '{{}}', state, 1, now() + interval '1 day', 0.5,
        CASE state WHEN 'dead' THEN 'it failed' END, now(), CASE WHEN state <> 'queued' THEN now() END
    FROM (SELECT n, CASE WHEN n % 100 = 0 THEN 'dead' WHEN n % 50 = 1 THEN 'queued' ELSE 'done' END AS state
          FROM generate_series(1, {JOBS}) n) numbered;
INSERT INTO audit_log (at, actor, action, object, detail, ip_prefix, request_id)
    SELECT now(), who, (ARRAY['session.started', 'account.updated', 'api_token.created'])[n % 3 + 1], who, '{{"fields": ["about"]}}',
        '192.0.2.0/24', 'req_' || n
    FROM (SELECT n, 'acc_' || lpad((n * 7919 % {ACCOUNTS} + 1)::text, 22, '0') AS who FROM generate_series(1, {AUDIT}) n) numbered;
VACUUM (ANALYZE) account, account_role, session, api_token, one_time_token, totp, avatar, job, audit_log;
"""


def fill(folder: Path) -> None:
    """Fills the database of the running server whose data folder this is."""
    socket = folder / "postgres" / "socket"
    done = subprocess.run(
        ["psql", f"host={socket} user=lyceum dbname=lyceum", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"],
        input=SQL, capture_output=True, text=True)
    if done.returncode:
        raise DidNotRun(f"the database could not be filled: {done.stderr.strip()[-500:]}")
