"""What a process tree takes, by the kernel's accounting, and the order of runs."""
from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")

#: The kernel counts processor time in ticks, of 10 ms as a rule: a run must take many of them.
TICK = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """Processor and wall time, in seconds."""

    cpu: float
    wall: float
    #: The part of `cpu` that was in the kernel.
    system: float = 0

    def __sub__(self, earlier: Usage) -> Usage:
        return Usage(self.cpu - earlier.cpu, self.wall - earlier.wall, self.system - earlier.system)


class ProcessTree:
    """A process and all that descend from it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def members(self) -> list[int]:
        found, unseen = [], [self.pid]
        while unseen:
            pid = unseen.pop()
            found.append(pid)
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                try:
                    unseen += [int(child) for child in children.read_text().split()]
                except OSError:  # the thread has ended meanwhile
                    continue
        return found

    def usage(self) -> Usage:
        """What the tree has taken so far, children that have ended included once they were waited for."""
        ticks = in_kernel = 0
        for pid in self.members():
            try:
                stat = Path(f"/proc/{pid}/stat").read_text()
            except OSError:
                continue
            # utime, stime, cutime, cstime: fields 14 to 17, the name in parentheses being the second.
            times = [int(field) for field in stat.rsplit(")", 1)[1].split()[11:15]]
            ticks += sum(times)
            in_kernel += times[1] + times[3]
        return Usage(ticks * TICK, time.monotonic(), in_kernel * TICK)

    def memory(self) -> dict[str, int]:
        """Bytes, summed over the tree: VmRSS now, VmHWM at the most, RssAnon, RssShmem."""
        total = {"VmRSS": 0, "VmHWM": 0, "RssAnon": 0, "RssShmem": 0}
        for pid in self.members():
            try:
                status = Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            for line in status.splitlines():
                key, _, value = line.partition(":")
                if key in total:
                    total[key] += int(value.split()[0]) * 1024
        return total


def alternate(contestants: dict[str, Callable[[], Result]], runs: int) -> dict[str, list[Result]]:
    """Runs each contestant `runs` times, in turn, every second round backwards: drift of the machine meets all alike."""
    results: dict[str, list[Result]] = {name: [] for name in contestants}
    for round in range(runs):
        names = list(contestants)
        for name in names if round % 2 == 0 else reversed(names):
            results[name].append(contestants[name]())
    return results


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    """Looks every few milliseconds whether it is so.

    Raises TimeoutError when it is not within `seconds`.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(0.005)
