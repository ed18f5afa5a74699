"""A day of media, flat out: does memory stay where it is?"""
from __future__ import annotations

import time

from .context import Bench
from .encoder import GROUP_MILLISECONDS, Encoder, Group, listed
from .measure import wait_until
from .report import Comparison, DidNotRun, Target
from .servers import Lyceum

HOUR = 3_600_000  # milliseconds
HOURS = 24
MARKS = (1, 6, 12, 24)
BITS_PER_SECOND = 150_000
#: Begins so that the 32 bits of RTMP's timestamps end in the middle of the day.
START = (1 << 32) - HOURS // 2 * HOUR
#: What the last hours may have more than the sixth, when everything that is cached has been.
LIMIT = 1.1


def soak(bench: Bench, record: str) -> tuple[dict[int, float], str]:
    """Memory in MB at each of the marks, in hours of media, and a sentence about the run."""
    settings = {"record": record, "window_seconds": 30, "segment_seconds": 3.8}
    with Lyceum(bench, cores="0", **settings) as server:
        group, encoder = Group.make(BITS_PER_SECOND), Encoder(server.rtmp_port, "day", START)
        marks: dict[int, float] = {}
        sent = groups = 0
        began = time.monotonic()
        for hour in range(1, HOURS + 1):
            while groups * GROUP_MILLISECONDS < hour * HOUR:
                data = group.first(START + groups * GROUP_MILLISECONDS) + group.rest
                encoder.socket.sendall(data)
                sent += len(data)
                groups += 1
                if groups % 64 == 0:
                    encoder.discard()
            if hour in MARKS:
                # A segment is two groups, and is there when the next one begins.
                wait_until(lambda: listed(server.http_port, "day") >= groups // 2 - 1, f"hour {hour}", 60)
                marks[hour] = server.tree.memory()["VmRSS"] / 1e6
        wall = time.monotonic() - began
        metrics = server.metrics()
        jumps = sum(value for name, value in metrics.items() if name.startswith("rtmp_server_clock_jumps_total"))
        if jumps:
            raise DidNotRun(f"the server saw {jumps:.0f} jumps of a clock that had none")
        with_peak = server.tree.memory()["VmHWM"] / 1e6
        encoder.close()
    return marks, (f"recording {record}: {sent / 1e9:.2f} GB in {wall:.0f} s, {HOURS * 3600 / wall:.0f} times as fast as live;"
                   f" {with_peak:.0f} MB at the most; no jump of the clock was seen where 32 bits end")


def run(bench: Bench) -> list[Comparison]:
    comparisons = []
    for record in ("off", "on"):
        marks, note = soak(bench, record)
        values = {f"{hour} h": [value] for hour, value in marks.items()}
        comparisons.append(Comparison(
            f"Memory over {HOURS} h of media, recording {record}", "MB (VmRSS)", values,
            [Target(f"{MARKS[-1]} h", LIMIT, peer="6 h")],
            notes=[note, f"{BITS_PER_SECOND // 1000} kb/s, a window of 30 s; timestamps begin 12 h before their 32 bits end"],
        ))
    return comparisons
