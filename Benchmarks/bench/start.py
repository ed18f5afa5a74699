"""From exec to the first 200 of /readyz, with an empty data folder and with one of many recordings."""
from __future__ import annotations

import re
import shutil
import socket
import time
from pathlib import Path

from .context import Bench
from .encoder import GROUP_MILLISECONDS, Encoder, Group, listed
from .measure import wait_until
from .report import Comparison, DidNotRun, Target
from .servers import Lyceum

RUNS = 10
RECORDINGS = 1000
LIMIT_SECONDS = 0.3


def seconds_to_ready(bench: Bench, folder: Path, **settings: object) -> float:
    """Starts the server as an operator does, asks until it is ready, and stops it."""
    server = Lyceum(bench, cores="0-1", folder=folder, **settings)
    began = time.monotonic()
    server.launch()
    try:
        while not is_ready(server.http_port):
            if server.has_ended() or time.monotonic() - began > 30:
                raise DidNotRun(f"not ready: {server.last_words()}")
            time.sleep(0.001)
        return time.monotonic() - began
    finally:
        server.stop()


def is_ready(port: int) -> bool:
    """Lighter than urllib, whose first use alone takes some milliseconds."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
            return connection.recv(64).startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False


def record(bench: Bench, folder: Path, count: int) -> None:
    """Fills a data folder with recordings: one that the server has made, and copies of it under other identifiers."""
    with Lyceum(bench, folder=folder, record="on", segment_seconds=1.9) as server:
        encoder, group = Encoder(server.rtmp_port, "main"), Group.make(200_000)
        for number in range(30):
            encoder.socket.sendall(group.first(number * GROUP_MILLISECONDS) + group.rest)
        encoder.discard()
        wait_until(lambda: listed(server.http_port, "main") >= 29, "the recording")
        encoder.close()
    recordings = folder / "data" / "recordings"
    [made] = [entry for entry in recordings.iterdir() if entry.is_dir()]
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    for number in range(1, count):
        letters = "".join(alphabet[number // 26**place % 26] for place in range(3))
        name = made.name[:-3] + letters
        if name == made.name:
            continue
        shutil.copytree(made, recordings / name)
        # Its texts name it.
        for file in (recordings / name).iterdir():
            content = file.read_bytes()
            if made.name.encode() in content:
                file.write_bytes(re.sub(re.escape(made.name.encode()), name.encode(), content))


def run(bench: Bench) -> list[Comparison]:
    values: dict[str, list[float]] = {}
    empty = bench.folder("start-empty")
    # The first start makes the keys.
    first = seconds_to_ready(bench, empty)
    values["empty data folder"] = [seconds_to_ready(bench, empty) for _ in range(RUNS)]
    full = bench.folder("start-full")
    record(bench, full, RECORDINGS)
    name = f"{sum(1 for _ in (full / 'data' / 'recordings').iterdir())} recordings"
    seconds_to_ready(bench, full)
    values[name] = [seconds_to_ready(bench, full) for _ in range(RUNS)]
    return [Comparison(
        "From exec to ready", "s", values, [Target(contestant, LIMIT_SECONDS) for contestant in values],
        notes=[f"the very first start, which makes the keys of the data folder: {first:.3f} s",
               "both cores, the data folder in memory, files in the page cache"],
    )]
