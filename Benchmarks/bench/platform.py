"""The platform with 100 000 accounts: how long pages and the API take under load, how long it takes to start, and what media pays."""
from __future__ import annotations

import json
import random
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from . import people
from .context import Bench
from .ingest import check, settled
from .measure import ProcessTree, alternate, wait_until
from .openloop import Call, ask, at_rate
from .publish import Publishers
from .report import Comparison, DidNotRun, Target
from .servers import Lyceum, answers
from .start import seconds_to_ready

RATE, SECONDS, WARM_UP_SECONDS = 200, 20, 5
LIMIT_MILLISECONDS = 15
#: Of a hundred requests so many change something.
CHANGES = 10
WORST = 8
#: Each run is of other accounts.
FIRST_SEED = 1
ON, OFF = "platform on", "platform off"
MEDIA_BYTES = 2e9

#: Every page that is got, and for whom: a visitor, somebody, or an administrator. Some lists are asked for in several ways.
PAGES = [
    ("visitor", "/"), ("visitor", "/sign-in"), ("visitor", "/sign-up"), ("visitor", "/password/reset"),
    ("visitor", "/password/reset/{reset}"), ("visitor", "/confirm-new-email/{change}"), ("visitor", "/avatars/{avatar}"), ("visitor", "{style}"),
    ("somebody", "/"), ("somebody", "/account"), ("somebody", "/account/profile"), ("somebody", "/account/email"),
    ("somebody", "/account/password"), ("somebody", "/account/second-factor"), ("somebody", "/account/sessions"),
    ("somebody", "/account/tokens"), ("somebody", "/account/data"),
    ("admin", "/admin"), ("admin", "/admin/users"), ("admin", "/admin/users?q=person_4242"), ("admin", "/admin/users?q=pe"),
    ("admin", "/admin/users?q=example"), ("admin", "/admin/users/{account}"), ("admin", "/admin/jobs"), ("admin", "/admin/jobs?state=dead"),
    ("admin", "/admin/jobs?kind=bench.3"), ("admin", "/admin/jobs/{job}"), ("admin", "/admin/dead-letters"), ("admin", "/admin/audit"),
    ("admin", "/admin/audit?actor={account}"), ("admin", "/admin/audit?action=account.updated"), ("admin", "/admin/flags"),
    ("admin", "/admin/health"),
]
#: The same lists in the API, deep inside; `{deep}` is a cursor that the server has given.
DEEP = ["/api/v1/admin/accounts?q=example", "/api/v1/admin/accounts?limit=100", "/api/v1/admin/audit?limit=100", "/api/v1/admin/jobs?limit=100"]


class Visitors:
    """Makes the calls: every one is of another account, or from another address, so that no limit on one is met."""

    def __init__(self, port: int, seed: int) -> None:
        self.random = random.Random(seed)
        self.port, self.origin = port, f"http://127.0.0.1:{port}"
        self.account = self.changed = seed * 10_000 + people.WITH_MORE
        home = ask(port, Call("", "GET", "/")).body.decode()
        [self.style] = re.findall(r'<link rel="stylesheet" href="([^"]+)"', home)
        document = json.loads(ask(port, Call("", "GET", "/api/v1/openapi.json")).body)
        self.api = [(path, operations["get"]) for path, operations in document["paths"].items() if "get" in operations]
        # What changes something in a session brings the session's token.
        accounts = [self.next_account() for _ in range(100)]
        told = at_rate(port, [self.call("", "somebody", "/api/v1/me/session", account=account) for account in accounts], RATE)
        self.csrf = [(account, str(json.loads(answer.body)["csrf_token"])) for account, answer in zip(accounts, told, strict=True)]
        # Each has three tokens to begin with, and no token is revoked twice.
        self.left = [(account, csrf, people.number("tok", account + turn * people.ACCOUNTS)) for turn in (1, 2) for account, csrf in self.csrf]

    def next_account(self) -> int:
        self.account = self.account % people.ACCOUNTS + 1
        return self.account

    def call(self, route: str, who: str, path: str, *, method: str = "GET", account: int | None = None, fields: dict[str, str] | None = None,
             body: bytes = b"") -> Call:
        one = account or (self.random.randint(1, people.ADMINISTRATORS) if who == "admin" else self.next_account())
        address = f"10.{self.random.randint(0, 255)}.{self.random.randint(0, 255)}.{self.random.randint(1, 254)}"
        sent = {"X-Forwarded-For": address}
        if who == "token":
            # An administrator has three; 300 requests in five minutes are let through for each.
            sent["Authorization"] = f"Bearer {people.api_token(one)}"
        elif who != "visitor":
            sent["Cookie"] = f"sid={people.secret('session', one)}"
        return Call(route, method, self.filled(path, one), sent | (fields or {}), body)

    def filled(self, path: str, account: int) -> str:
        some = self.random.randint(1, people.WITH_MORE)
        values = {
            "{style}": self.style, "{reset}": people.secret("reset", some), "{change}": people.secret("change", some),
            "{avatar}": people.picture(some), "{account}": people.number("acc", self.random.randint(1, people.ACCOUNTS)),
            "{job}": people.number("job", self.random.randint(1, people.JOBS)), "{token}": people.number("tok", account),
        }
        for name, value in values.items():
            path = path.replace(name, value)
        if "{" in path:
            raise DidNotRun(f"the bench has no value for {path}")
        return path

    def readings(self) -> list[Callable[[], Call]]:
        """One maker of calls for each page and endpoint that is got, with a session and, where it may be, with an API token."""
        found = [lambda who=who, path=path: self.call(f"GET {path} ({who})", who, path) for who, path in PAGES]
        names = {"/api/v1/me/tokens/{id}": "{token}", "/api/v1/admin/accounts/{id}": "{account}", "/api/v1/admin/jobs/{id}": "{job}"}
        for path, operation in self.api:
            target = path.replace("{id}", names.get(path, "{id}"))
            security = operation.get("security", [])
            who = "visitor" if not security else "admin" if "/admin/" in path else "somebody"
            found.append(lambda who=who, path=path, target=target: self.call(f"GET {path} ({who})", who, target))
            # Administrators' tokens are few: their share would be refused as too many.
            if who == "somebody" and any("token" in way for way in security):
                found.append(lambda path=path, target=target: self.call(f"GET {path} (token)", "token", target))
        for path in DEEP:
            cursor = self.cursor(path)
            target = f"{path}&cursor={cursor}" if cursor else path
            found.append(lambda path=path, target=target: self.call(f"GET {path}&cursor=...", "admin", target))
        return found

    def cursor(self, path: str) -> str | None:
        """The cursor of a page some pages on."""
        cursor = None
        for _ in range(5):
            page = json.loads(ask(self.port, self.call("", "admin", path + (f"&cursor={cursor}" if cursor else ""))).body)
            cursor = page["next"] or cursor
        return cursor

    def changes(self) -> list[Callable[[], Call]]:
        json_fields = {"Content-Type": "application/json"}

        def patch() -> Call:
            body = json.dumps({"about": f"Words {self.random.random()}"}).encode()
            self.changed = self.changed % people.ACCOUNTS + 1
            return self.call("PATCH /api/v1/me", "token", "/api/v1/me", method="PATCH", account=self.changed,
                             fields=json_fields | {"If-Match": '"v1"'}, body=body)

        def in_session(route: str, method: str, path: str, fields: dict[str, str], body: bytes = b"") -> Call:
            account, csrf = self.random.choice(self.csrf)
            sent = fields | {"Origin": self.origin, "X-CSRF-Token": csrf}
            return self.call(route, "somebody", path, method=method, account=account, fields=sent, body=body)

        def create() -> Call:
            body = json.dumps({"name": "made", "scopes": ["account:read"], "expires_in_days": 30}).encode()
            return in_session("POST /api/v1/me/tokens", "POST", "/api/v1/me/tokens", json_fields, body)

        def revoke() -> Call:
            account, csrf, token = self.left.pop()
            return self.call("DELETE /api/v1/me/tokens/{id}", "somebody", f"/api/v1/me/tokens/{token}", method="DELETE", account=account,
                             fields={"Origin": self.origin, "X-CSRF-Token": csrf})

        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return [patch, create, revoke, lambda: in_session("POST /theme", "POST", "/theme", form, b"theme=dark")]

    def load(self, seconds: float) -> list[Call]:
        """Calls in a random order, all routes alike."""
        readings, changes = self.readings(), self.changes()
        count = int(RATE * seconds)
        makers = [(changes if index % 100 < CHANGES else readings) for index in range(count)]
        turns = {id(readings): 0, id(changes): 0}
        calls = []
        for maker in makers:
            calls.append(maker[turns[id(maker)] % len(maker)]())
            turns[id(maker)] += 1
        self.random.shuffle(calls)
        return calls


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def latencies(bench: Bench, folder: Path) -> Iterator[Comparison]:
    """p50 and p95 of everything, and of the routes that take longest."""
    everything: dict[str, list[float]] = {"all, p50": [], "all, p95": [], "all, p99": []}
    routes: dict[str, list[float]] = {}
    cpu: dict[str, list[float]] = {"server": [], "server and database": []}
    count = 0
    for run in range(bench.runs):
        with server(bench, folder, log_level="warning") as lyceum:
            visitors = Visitors(lyceum.http_port, seed=FIRST_SEED + run)
            at_rate(lyceum.http_port, visitors.load(WARM_UP_SECONDS), RATE)
            calls = visitors.load(SECONDS)
            trees = {"server": Alone(lyceum.process.pid), "server and database": lyceum.tree}
            before = {name: tree.usage() for name, tree in trees.items()}
            found = at_rate(lyceum.http_port, calls, RATE)
            for name, tree in trees.items():
                cpu[name].append((tree.usage() - before[name]).cpu / len(calls) * 1000)
        seconds = [answer.seconds * 1000 for answer in found]
        count = len(seconds)
        for name, share in [("all, p50", 0.5), ("all, p95", 0.95), ("all, p99", 0.99)]:
            everything[name].append(percentile(seconds, share))
        for route in {call.route for call in calls}:
            of_route = [answer.seconds * 1000 for answer in found if answer.call.route == route]
            routes.setdefault(route, []).append(percentile(of_route, 0.95))
    note = [f"{count} requests in {SECONDS} s at fixed moments, {len(routes)} routes; {people.ACCOUNTS} accounts, {2 * people.ACCOUNTS} sessions,"
            f" {people.JOBS} jobs, {people.AUDIT} entries of the audit log; {CHANGES} % change something; both cores, the load on them too"]
    yield Comparison(f"Answers at {RATE} requests a second", "ms", everything, [Target("all, p95", LIMIT_MILLISECONDS)], note)
    worst = sorted(routes, key=lambda route: -median(routes[route]))
    over = [route for route in worst if median(routes[route]) > LIMIT_MILLISECONDS]
    shown = worst[:max(WORST, len(over))]
    yield Comparison(f"The slowest of {len(routes)} routes, p95", "ms", {route: routes[route] for route in shown},
                     [Target(route, LIMIT_MILLISECONDS) for route in shown])
    yield Comparison("Processor time of a request", "ms", cpu)


class Alone(ProcessTree):
    """One process without its children, as the server without its database."""

    def members(self) -> list[int]:
        return [self.pid]


def server(bench: Bench, folder: Path, **settings: object) -> "Open":
    return Open(bench, cores="0-1", folder=folder, platform="on", **settings)


class Open(Lyceum):
    """A server that is ready when its pages are."""

    name = "Lyceum with the platform"

    def is_ready(self) -> bool:
        return answers(f"http://127.0.0.1:{self.http_port}/sign-in")


def seconds_to_platform(bench: Bench, folder: Path) -> float:
    """From exec to `platform ready` in the log."""
    lyceum = server(bench, folder, log_level="info")
    began = time.monotonic()
    lyceum.launch()
    offset = lyceum.log.stat().st_size
    try:
        with lyceum.log.open("rb") as log:
            log.seek(offset)
            seen = b""
            while b"platform ready" not in seen:
                if lyceum.has_ended() or time.monotonic() - began > 60:
                    raise DidNotRun(f"the platform was not ready: {lyceum.last_words()}")
                time.sleep(0.002)
                seen += log.read()
        return time.monotonic() - began
    finally:
        lyceum.stop()


def starts(bench: Bench, full: Path) -> Iterator[Comparison]:
    existing, new = f"database of {people.ACCOUNTS} accounts", "new database"
    values: dict[str, list[float]] = {existing: [], new: []}
    for _ in range(max(bench.runs, 5)):
        values[existing].append(seconds_to_platform(bench, full))
        with on_disk() as empty:
            values[new].append(seconds_to_platform(bench, empty))
    yield Comparison("From exec to the platform being ready", "s", values, [Target(existing, 1.5), Target(new, 5)],
                     ["the database of the server's own, on disk; both cores"])
    media: dict[str, list[float]] = alternate({
        ON: lambda: seconds_to_ready(bench, full, platform="on"), OFF: lambda: seconds_to_ready(bench, full)}, max(bench.runs, 5))
    yield Comparison("From exec to media being ready", "s", media, [Target(ON, 0.3)],
                     ["the first 200 of /readyz, which waits for no database"])


@contextmanager
def on_disk() -> Iterator[Path]:
    """An empty folder that is not in memory: a database there pays for its writing."""
    folder = Path(tempfile.mkdtemp(prefix="lyceum-bench.", dir="/var/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def media(bench: Bench) -> Iterator[Comparison]:
    """What ingest costs the server's process with the platform in it."""
    megabits, publishers = 4, 4
    file = bench.media(megabits, 720)

    def once(settings: dict[str, str]) -> float:
        with Lyceum(bench, record="off", window_seconds=60, **settings) as lyceum:
            if settings:
                wait_until(lambda: answers(f"http://127.0.0.1:{lyceum.http_port}/sign-in"), "the platform", 60)
            # What comes round at intervals is due at the first start; it is no part of the media's way. Both wait as long.
            time.sleep(2)
            settled(lyceum)
            alone = Alone(lyceum.process.pid)
            before = alone.usage()
            with Publishers(bench, lyceum.rtmp_port, file, "--publishers", publishers, "--chunk", 4096, "--bytes",
                            MEDIA_BYTES / publishers) as encoder:
                sent = encoder.finish()
            settled(lyceum)
            used = alone.usage() - before
            check(lyceum)
            return used.cpu / (sent["bytes"] / 1e9)

    values = alternate({ON: lambda: once({"platform": "on"}), OFF: lambda: once({})}, max(bench.runs, 5))
    yield Comparison(f"Ingest flat out: {publishers} x {megabits} Mb/s", "CPU s/GB of the server", values, [Target(ON, 1.03, OFF)],
                     ["as in the section ingest; the database's processes, which do nothing meanwhile, are not counted"])


def idle(bench: Bench, folder: Path) -> Iterator[Comparison]:
    """What the platform takes while nobody asks for anything."""
    with server(bench, folder) as lyceum:
        trees = {"server": Alone(lyceum.process.pid), "server and database": lyceum.tree}
        time.sleep(5)  # what the start has left to do
        before = {name: tree.usage() for name, tree in trees.items()}
        time.sleep(20)
        used = {name: tree.usage() - before[name] for name, tree in trees.items()}
        memory = {name: tree.memory()["VmRSS"] / 1e6 for name, tree in trees.items()}
    yield Comparison("Processor time while nobody asks", "% of a core", {name: [usage.cpu / usage.wall * 100] for name, usage in used.items()})
    yield Comparison("Memory then", "MB", {name: [megabytes] for name, megabytes in memory.items()},
                     notes=["what the database's processes share is counted for each"])


def run(bench: Bench) -> Iterator[Comparison]:
    with on_disk() as folder:
        with server(bench, folder) as lyceum:
            people.fill(folder / "data")
        yield from latencies(bench, folder)
        yield from starts(bench, folder)
        yield from idle(bench, folder)
    yield from media(bench)
